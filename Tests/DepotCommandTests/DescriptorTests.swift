import Foundation
import Testing

extension CommandTests {
    @Suite struct Descriptors {
        /// With 16 a client died of an event loop that got none; with some more of each group of small files that was
        /// retrieved some failed.
        @Test
        func `a client with few file descriptors does everything, or says that they are too few`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let tree = depot.newPath()
                for number in 0..<300 {
                    let folder = "\(tree)/\(number % 50)"
                    try FileManager.default.createDirectory(
                        atPath: folder, withIntermediateDirectories: true)
                    try Data("\(number)".utf8).write(
                        to: URL(fileURLWithPath: "\(folder)/\(number)"))
                }
                let script = "ulimit -n $1; shift; exec \"$0\" \"$@\""
                var done = 0
                for count in [16, 24, 40, 64, 256] {
                    let (name, back) = ("t\(count)", depot.newPath())
                    let start = [Composition.executable, "\(count)"]
                    let deposit = try await depot.bash(
                        script, start + ["deposit", "-r", tree, "1", "--as", name])
                    guard deposit.status == 0 else {
                        #expect(deposit.status == 8 && deposit.complaint.contains("ulimit -n"))
                        continue
                    }
                    let retrieve = try await depot.bash(
                        script, start + ["retrieve", "-r", name, "-o", back])
                    #expect(retrieve.status == 0, "\(count): \(retrieve.complaint)")
                    for number in 0..<300 {
                        let path = "\(back)/\(number % 50)/\(number)"
                        #expect(
                            FileManager.default.contents(atPath: path) == Data("\(number)".utf8))
                    }
                    done += 1
                }
                #expect(done >= 1)
            }
        }
    }
}
