import Foundation
import Testing

extension CommandTests {
    /// A tree comes back as it was, as rsync and tar see it; and as much of it is deposited as was asked for.
    @Suite struct WholeTrees {
        /// All that a tree can have, but for what the kernel makes.
        private static let everything = """
            set -e; mkdir "$1"; cd "$1"
            echo hi > f; ln f g; mkdir a; echo 1 > a/x; ln a/x a.x; ln a/x zz
            ln -s f link; ln -s /nowhere/$'\\xff'x dangling; ln -s a/ folder-link
            mkdir -p empty/deep closed sticky; chmod 0751 empty; echo x > closed/file
            printf x > $'na\\xe9me'; printf y > $'tab\\there'; printf z > ‛41; : > none
            truncate -s 10M sparse; echo end >> sparse; truncate -s 1M hole
            touch -d '1950-01-02 03:04:05.123456789' f; touch -d '2200-05-06 07:08:09.5' hole
            touch -h -d '2001-02-03 04:05:06.7' link; touch -d '2000-01-01 1:2:3.4' a empty/deep
            # Not every file system has them.
            setfacl -m u:33:rw f && setfacl -d -m u:33:rwx empty || true
            setfattr -n user.note -v hello f && setfattr -n user.x -v 1 empty || true
            if [ $(id -u) = 0 ]; then chown -h 33:33 link; chown 1:1 sparse; fi
            chmod 4755 g; chmod 3777 sticky; chmod 0555 closed; chmod 0000 none
            """

        /// What rsync would change, and where two archives of the trees differ.
        private static let compare = """
            rsync -aAXHSn --delete --itemize-changes "$1/" "$2/"
            for tree in "$1" "$2"; do
                (cd "$tree"; tar --acls --xattrs --sort=name -cf - . \
                    | tar --acls --xattrs --full-time -tvvf -) > "$tree.list"
            done
            diff "$1.list" "$2.list"
            """

        private static func expectSame(
            _ first: String, _ second: String, in depot: Composition
        ) async throws {
            let difference = try await depot.bash(compare, ["compare", first, second])
            #expect(difference.status == 0 && difference.text.isEmpty, "\(difference.text)")
            #expect(difference.complaint.isEmpty)
        }

        @Test func `everything that a tree has comes back`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let made = try await depot.bash(Self.everything, ["make", tree])
                try #require(made.status == 0, "\(made.complaint)")
                let deposited = try await depot.run(["deposit", "-r", tree, "3", "--as", "t"])
                #expect(deposited.status == 0 && deposited.complaint.isEmpty)
                #expect(deposited.text.hasPrefix("12 files, 6 folders, 3 links  "))
                let retrieved = try await depot.run(["retrieve", "-r", "t", "-o", back])
                #expect(retrieved.status == 0 && retrieved.complaint.isEmpty)
                try await Self.expectSame(tree, back, in: depot)
                // Again, and after some of it was changed: only that is fetched.
                let again = try await depot.run(["retrieve", "-r", "t", "-o", back])
                #expect(again.text.contains("  0 B  verified  unchanged: 12 files, "))
                let change = "cd $1; echo more >> sparse; rm zz; ln -sfn x link; chmod 700 a"
                _ = try await depot.bash(change, ["change", back])
                let repaired = try await depot.run(["retrieve", "-r", "t", "-o", back])
                #expect(repaired.status == 0 && repaired.complaint.isEmpty)
                try await Self.expectSame(tree, back, in: depot)
                // From what replicas have alone.
                try await depot.remakeCatalog(stopping: SIGKILL)
                let third = depot.newPath()
                _ = try await depot.run(["retrieve", "-r", "t", "-o", third])
                try await Self.expectSame(tree, third, in: depot)
            }
        }

        /// Each kind of what cannot be had is told once, with a count, and costs no bytes.
        @Test(.enabled(if: geteuid() == 0)) func `who may give nothing away is told`() async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let (tree, mine) = (depot.newPath(), depot.newPath())
                _ = try await depot.bash(Self.everything, ["make", tree])
                _ = try await depot.run(["deposit", "-r", tree, "1", "--as", "t"])
                let script = """
                    set -e; mkdir "$1"; chown 33:33 "$1"; cp "$2" "$1/depot"
                    setpriv --reuid 33 --regid 33 --clear-groups "$1/depot" retrieve t -r -o "$1/back"
                    rsync -rlHSn --times --delete --itemize-changes "$3/" "$1/back/"
                    stat -c %a "$1/back/g" "$1/back/closed" "$1/back/sticky"
                    """
                let outcome = try await depot.bash(
                    script, ["script", mine, Composition.executable, tree],
                    environment: ["DEPOT_SERVER": depot.url, "DEPOT_TOKEN": depot.token])
                #expect(outcome.status == 0, "\(outcome.complaint)")
                #expect(
                    outcome.text.split(separator: "\n").dropFirst() == ["755", "555", "1777"],
                    "\(outcome.text)")
                let lines = outcome.complaint.split(separator: "\n")
                #expect(lines.count == 4 && lines.allSatisfy { $0.hasPrefix("warning: ") })
                #expect(lines.filter { $0.contains("owner is not restored") }.count == 2)
            }
        }

        private static let special = """
            set -e; mkdir "$1"; cd "$1"; echo hi > f; mkdir d; mkfifo -m 0640 d/pipe
            python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
            setfacl -m u:33:rw d/pipe || true
            if [ $(id -u) = 0 ]; then
                mknod -m 0666 d/null c 1 3; mknod -m 0660 disk b 4095 1048575; chown 33:34 sock
            fi
            touch -d '2001-02-03 04:05:06.7' d/pipe sock; touch -d '1999-01-01' d
            """

        /// Nobody writes to the pipe or serves the socket: whoever opens one waits, or fails.
        @Test func `pipes, sockets and devices come back where they were asked for`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let made = try await depot.bash(Self.special, ["make", tree])
                try #require(made.status == 0, "\(made.complaint)")
                let count = geteuid() == 0 ? 4 : 2
                let deposit = ["deposit", "-r", tree, "1", "--as", "t", "--special"]
                let deposited = try await depot.run(deposit)
                #expect(deposited.status == 0 && deposited.complaint.isEmpty)
                #expect(deposited.text.hasPrefix("1 file, 2 folders, \(count) special files  "))
                let again = try await depot.run(deposit)
                #expect(again.text.contains("unchanged: 2 folders, \(count) special files"))
                let retrieve = ["retrieve", "-r", "t", "-o", back]
                let retrieved = try await depot.run(retrieve)
                #expect(retrieved.status == 0 && retrieved.complaint.isEmpty)
                // tar leaves sockets out.
                let compare = """
                    rsync -aAXHSn --devices --specials --delete --itemize-changes "$1/" "$2/"
                    for tree in "$1" "$2"; do
                        (cd "$tree"; find . -exec stat -c '%n %F %a %u:%g %y %t:%T' {} + | sort) > "$tree.list"
                    done
                    diff "$1.list" "$2.list"
                    """
                let difference = try await depot.bash(compare, ["compare", tree, back])
                #expect(difference.status == 0 && difference.text.isEmpty, "\(difference.text)")
                let repeated = try await depot.run(retrieve)
                #expect(
                    repeated.text.contains(
                        "unchanged: 1 file, 2 folders, \(count) special files"))
                let listed = try await depot.run(["list", "t"])
                #expect(listed.text.contains("t/d/pipe  (fifo)\n"))
                let info = try await depot.run(["info", "t/sock"])
                #expect(info.text.contains("kind      a socket\n"))
                // By itself.
                let alone = depot.newPath()
                #expect(try await depot.run(["retrieve", "t/d/pipe", "-o", alone]).status == 0)
                let output = try await depot.run(["retrieve", "t/d/pipe", "-o", "-"])
                #expect(output.status == 64)
                // A mirror that is not asked for them leaves alone what was one and is one.
                let mirror = ["deposit", "-r", tree, "1", "--as", "t", "--mirror"]
                let script = "cd $1; rm sock; rm f; mkfifo f"
                _ = try await depot.bash(script, ["change", tree])
                let mirrored = try await depot.run(mirror)
                #expect(mirrored.text.contains("  deleted: 2\n"))
                let names = try await depot.names()
                #expect(names.contains("t/d/pipe") && !names.contains("t/f"))
            }
        }

        @Test(.enabled(if: geteuid() == 0))
        func `devices that a user cannot make are told and left out`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let (tree, mine) = (depot.newPath(), depot.newPath())
                _ = try await depot.bash(Self.special, ["make", tree])
                _ = try await depot.run(["deposit", "-r", tree, "1", "--as", "t", "--special"])
                let script = """
                    set -e; mkdir "$1"; chown 33:33 "$1"; cp "$2" "$1/depot"
                    setpriv --reuid 33 --regid 33 --clear-groups "$1/depot" retrieve t -r -o "$1/back"
                    rsync -rlSn --times --specials --delete --itemize-changes "$3/" "$1/back/"
                    find "$1/back" -mindepth 1 -printf '%y %P\\n' | sort
                    """
                let outcome = try await depot.bash(
                    script, ["script", mine, Composition.executable, tree],
                    environment: ["DEPOT_SERVER": depot.url, "DEPOT_TOKEN": depot.token])
                #expect(outcome.status == 0, "\(outcome.complaint)")
                let lines = outcome.text.split(separator: "\n")
                #expect(lines[0].contains("  left out: 2 special files  "))
                #expect(
                    lines.filter { !$0.hasPrefix("skipping non-regular") }.dropFirst()
                        == ["d d", "f f", "p d/pipe", "s sock"], "\(outcome.text)")
                let told = outcome.complaint.split(separator: "\n")
                    .filter { $0.contains("only root can make") }
                #expect(told.count == 2 && told.last?.contains("of 2 in all") == true)
            }
        }

        @Test func `a folder becomes what the depot has, and nothing else of it stays`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let make =
                    "mkdir -p $1/in/deep $1/empty; cd $1; echo 1 > a; echo 2 > in/deep/b; echo 3 > ‛41"
                _ = try await depot.bash(make, ["make", tree])
                _ = try await depot.run(["deposit", "-r", tree, "1", "--as", "t"])
                _ = try await depot.deposit("t/in/‛42", Data("odd".utf8), level: 1)
                let retrieve = ["retrieve", "-r", "t", "-o", back, "--delete"]
                _ = try await depot.run(retrieve)
                let change = """
                    cd $1; mkdir -p more/deep; echo x > more/deep/x; echo y > in/y; ln -s /etc in/l
                    mkfifo more/pipe; rm a; rm -r empty; ln -s /etc empty2
                    """
                _ = try await depot.bash(change, ["change", back])
                let planned = try await depot.run(retrieve + ["--dry-run"])
                #expect(
                    planned.text.split(separator: "\n").map(String.init) == [
                        "would retrieve t/a", "would retrieve t/empty",
                        "would delete \(back)/empty2",
                        "would delete \(back)/in/l", "would delete \(back)/in/y",
                        "would delete \(back)/more", "would delete \(back)/more/deep",
                        "would delete \(back)/more/deep/x", "2 B in all; nothing was done",
                    ])
                let done = try await depot.run(retrieve)
                // A pipe is nobody's file: its folder stays.
                #expect(done.status == 0 && done.text.contains("  deleted: 5 "), "\(done.text)")
                _ = try await depot.bash(
                    "rm $1/more/pipe; rmdir $1/more; rm $1/in/‛42", ["tidy", back])
                _ = try await depot.bash(
                    "touch -r $1/in $2/in; touch -r $1 $2", ["times", tree, back])
                try await Self.expectSame(tree, back, in: depot)
                #expect(FileManager.default.fileExists(atPath: "/etc/passwd"))
            }
        }

        /// Both are told by the line that counts what was fetched.
        @Test func `content is compared where that is asked for`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let make = """
                    mkdir $1; cd $1; echo one > a; echo two > b; echo six > c
                    head -c 3000000 /dev/urandom > large; mkfifo pipe
                    """
                _ = try await depot.bash(make, ["make", tree])
                _ = try await depot.run(["deposit", "-r", tree, "1", "--as", "t", "--special"])
                let retrieve = ["retrieve", "-r", "t", "-o", back]
                _ = try await depot.run(retrieve)
                let change = """
                    cd $1; touch -d '2001-02-03' b large; touch -r a ref; echo eno > a; touch -r ref a
                    rm ref; touch -r $2 $1
                    """
                _ = try await depot.bash(change, ["change", back, tree])
                let compare = retrieve + ["--checksum"]
                let planned = try await depot.run(compare + ["--dry-run"])
                #expect(planned.text == "would retrieve t/a\n4 B in all; nothing was done\n")
                let done = try await depot.run(compare)
                #expect(done.status == 0 && done.complaint.isEmpty)
                #expect(
                    done.text.hasPrefix(
                        "1 file, 1 folder  4 B  verified  unchanged: 3 files, 1 special file"))
                try await Self.expectSame(tree, back, in: depot)
                let again = try await depot.run(compare)
                #expect(
                    again.text.contains("  0 B  verified  unchanged: 4 files, 1 folder, 1 special"))
                // Without it, size and time tell.
                let blind = "cd $1; touch -r a /tmp/ref.$$; echo eno > a; touch -r /tmp/ref.$$ a"
                _ = try await depot.bash("\(blind); rm /tmp/ref.$$", ["change", back])
                let unseen = try await depot.run(retrieve)
                #expect(unseen.text.contains("  0 B  verified  unchanged: 4 files"))
                let refused = try await depot.run(compare + ["--overwrite", "always"])
                #expect(refused.status == 64)
                #expect(try await depot.run(["retrieve", "t/a", "--checksum"]).status == 64)
            }
        }

        // MARK: What is deposited

        @Test func `patterns, caches and lists choose what is deposited`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let tree = depot.newPath()
                let script = """
                    mkdir -p $1/build $1/src/cache $1/src/in; cd $1
                    for name in a.o keep.o build/x src/main.c src/cache/junk; do echo $name > $name; done
                    echo 'Signature: 8a477f597d28d172789f06886806bc55' > src/cache/CACHEDIR.TAG
                    ln -s ../main.c src/in/up; ln -s .. src/in/loop
                    """
                _ = try await depot.bash(script, ["make", tree])
                // Some lines as other systems end them: they were one pattern, and matched nothing.
                let list = try depot.write(Data("*.o\r\n!keep.o\n# nothing\r\n/build/\r\n".utf8))
                let options = ["--exclude-from", list, "--exclude", "loop", "--exclude-caches"]
                let planned = try await depot.run(
                    ["deposit", "-r", tree, "1", "--as", "t", "--dry-run"] + options)
                #expect(try await depot.names().isEmpty)
                #expect(planned.text.hasSuffix("nothing was done\n"))
                _ = try await depot.run(["deposit", "-r", tree, "1", "--as", "t"] + options)
                let names = [
                    "t", "t/keep.o", "t/src", "t/src/cache", "t/src/cache/CACHEDIR.TAG", "t/src/in",
                    "t/src/in/up", "t/src/main.c",
                ]
                #expect(try await depot.names() == names)
                #expect(
                    planned.text.split(separator: "\n").dropLast()
                        == names.map { "would deposit \($0)" }[...])
                let followed = try await depot.run(
                    ["deposit", "-r", tree, "1", "--as", "f", "--follow-links", "--exclude", "*.o"])
                #expect(followed.text.contains("left out: 1 × a link to a folder around it"))
                let up = try await depot.retrieve("f/src/in/up")
                #expect(up.bytes == Data("src/main.c\n".utf8))
                let listed = try depot.write(Data("src/cache\0a.o\0".utf8))
                _ = try await depot.run(
                    ["deposit", "-r", tree, "1", "--as", "l", "-0", "--files-from", listed])
                #expect(
                    try await depot.names().filter { $0.hasPrefix("l") } == [
                        "l/a.o", "l/src/cache", "l/src/cache/CACHEDIR.TAG", "l/src/cache/junk",
                    ])
                let outside = try depot.write(Data("../x\n".utf8))
                let refused = try await depot.failure(
                    ["deposit", "-r", tree, "1", "--files-from", outside])
                #expect(refused.status == 64)
            }
        }

        @Test func `a mirror deletes what the folder has no more, and nothing else`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let tree = depot.newPath()
                _ = try await depot.bash(
                    "mkdir -p $1/gone/in $1/stays; cd $1; touch gone/in/x stays/y a.txt a b.log",
                    ["make", tree])
                let mirror = ["deposit", "-r", tree, "1", "--as", "m", "--mirror"]
                _ = try await depot.deposit("m2/other", testBytes(3, seed: 1), level: 1)
                _ = try await depot.run(mirror)
                _ = try await depot.bash("cd $1; rm -r gone a b.log", ["change", tree])
                // What patterns leave out is left alone; what cannot be read is not gone.
                let planned = try await depot.run(mirror + ["--dry-run", "--exclude", "*.log"])
                #expect(planned.text.contains("would delete m/a\n"))
                #expect(!planned.text.contains("would delete m/b.log"))
                let mirrored = try await depot.run(mirror + ["--exclude", "*.log"])
                #expect(mirrored.text.contains("  deleted: 4"))
                let left = ["m", "m/a.txt", "m/b.log", "m/stays", "m/stays/y", "m2/other"]
                #expect(try await depot.names() == left)
                _ = try await depot.bash("cd $1; rm -r stays a.txt", ["change", tree])
                let empty = try await depot.failure(mirror)
                #expect(empty.status == 4)
                #expect(try await depot.names() == left)
                let forced = try await depot.run(mirror + ["--force"])
                #expect(forced.status == 0)
                #expect(try await depot.names() == ["m", "m2/other"])
                let unread = """
                    mkdir -p $1/in; cd $1/in; part=$(printf %0250d 0)
                    for i in 1 2 3 4 5; do mkdir $part; cd $part; done; touch x
                    """
                _ = try await depot.bash(unread, ["make", tree])
                _ = try await depot.deposit("m/in/kept", testBytes(3, seed: 2), level: 1)
                _ = try await depot.run(mirror)
                #expect(try await depot.names().contains("m/in/kept"))
                let unplanned = try await depot.run(mirror + ["--dry-run"])
                #expect(unplanned.status == 64 && !unplanned.text.contains("would delete"))
                _ = try await depot.run(["delete", "-r", "m/in"])
                _ = try await depot.bash("rm -r $1/in", ["tidy", tree])
                _ = try await depot.bash(
                    "mkdir -p $1/cache; touch $1/cache/x $1/z", ["make", tree])
                _ = try await depot.run(mirror)
                let tag =
                    "echo 'Signature: 8a477f597d28d172789f06886806bc55' > $1/cache/CACHEDIR.TAG"
                _ = try await depot.bash(tag, ["tag", tree])
                let cached = try await depot.run(mirror + ["--exclude-caches"])
                #expect(cached.status == 0 && !cached.text.contains("deleted"))
                #expect(try await depot.names().contains("m/cache/x"))
                _ = try await depot.run(["delete", "-r", "m/cache", "m/z"])
                let nameless = try await depot.run(["deposit", "-r", tree, "1", "--mirror"])
                #expect(nameless.status == 64)
                let deleted = try await depot.run(["delete", "-r", "m", "m2"])
                #expect(deleted.status == 0 && deleted.text.hasSuffix("deleted 2 names\n"))
                #expect(try await depot.failure(["delete", "-r", "m"]).status == 3)
            }
        }
    }
}
