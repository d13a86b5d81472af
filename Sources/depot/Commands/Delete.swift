import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Delete: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "Delete files or, with -r, everything below a name.",
        discussion: """
            What is deleted is kept for a while: undelete brings it back. --purge forgets it at once, \
            and all that the names were before. Chunks that other files use stay.

            EXAMPLES:
              depot delete old/report.pdf
              depot delete -r old
              depot delete -r old --purge --plan   # what would be freed
            """)

    @Argument(help: "The files' names.", completion: .fileNames) var names: [String]
    @Flag(name: .shortAndLong, help: "Delete everything below NAME/, too.")
    var recursive = false
    @Flag(help: "Forget at once what the names were; nothing brings it back.")
    var purge = false
    @Flag(help: "With --purge: only say what would go, and how much that frees.")
    var plan = false
    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard plan, !purge else { return }
        throw ValidationError("--plan says what --purge would free; give both")
    }

    private struct Body: Encodable {
        let deleted: [FileName]
        /// Those of which versions stay, because they are locked.
        let locked: [FileName]
        let failed: [FailedFiles.Entry]
    }

    func run() async throws {
        var parsed: [FileName] = []
        for name in names {
            parsed.append(try FileName(path: recursive ? name.withoutEndingSlashes : name))
        }
        let client = try options.client()
        if plan { return try await showPlan(of: parsed, client) }
        let deletions = Deletions(client: client, purges: purge)
        var tally = NameTally<DeletedName>(
            "delete", options.output, "deleted", isAlone: parsed.count == 1 && !recursive)
        for name in parsed {
            if recursive {
                await deleteTree(name, deletions, &tally)
            } else {
                Self.take(name, await deletions.outcome(of: name), &tally)
            }
        }
        try tally.finish(
            Body(
                deleted: tally.done.map(\.name).sorted(),
                locked: tally.done.filter { $0.lockedVersions > 0 }.map(\.name).sorted(),
                failed: tally.failed.sorted),
            summary: recursive ? "deleted \(Output.plural(tally.count, "name"))" : nil)
    }

    private static func take(
        _ name: FileName, _ result: Result<DeletedName, DepotError>,
        _ tally: inout NameTally<DeletedName>
    ) {
        tally.take(name, result) { $0.words }
    }

    private struct Plans: Encodable { let plans: [PurgePlanBody] }

    private func showPlan(of names: [FileName], _ client: FileServerClient) async throws {
        var plans: [PurgePlanBody] = []
        for name in names {
            plans.append(try await client.purgePlan(name, isRecursive: recursive))
        }
        if options.output.json { return Output.json(Plans(plans: plans)) }
        guard !options.output.quiet else { return }
        for plan in plans {
            Output.line(
                "\(plan.name)  \(Output.plural(plan.names, "name")) and "
                    + "\(Output.plural(plan.versions, "version")) would go for good  (plan)")
            Output.line(
                "  \(ByteCount(plan.uniqueBytes)) in chunks that nothing else uses, "
                    + "\(ByteCount(plan.storedBytes)) with all copies, would be freed by the next "
                    + "collections")
            if plan.lockedNames > 0 {
                Output.line(
                    "  \(Output.plural(plan.lockedNames, "name")) with locked versions would keep these"
                )
            }
        }
    }

    /// What is below the name goes before the name itself, where that is a folder's or a file's.
    private func deleteTree(
        _ root: FileName, _ deletions: Deletions, _ tally: inout NameTally<DeletedName>
    ) async {
        let before = tally.count
        do throws(DepotError) {
            var pages = NamePages(deletions.client, prefix: "\(root)/")
            while tally.failed.count == 0, let page = try await pages.next() {
                await deletions.delete(page.map(\.name)) { Self.take($0, $1, &tally) }
            }
        } catch {
            return tally.fail(root, error)
        }
        guard tally.failed.count == 0 else { return }
        if purge { await purgeDeleted(below: root, deletions, &tally) }
        let result = await deletions.outcome(of: root)
        // Names may lead through a folder of which the depot knows nothing.
        if case .failure(let error) = result, error.code == .notFound, tally.count > before {
            return
        }
        Self.take(root, result, &tally)
    }

    /// What was deleted before is forgotten as well.
    private func purgeDeleted(
        below root: FileName, _ deletions: Deletions, _ tally: inout NameTally<DeletedName>
    ) async {
        do throws(DepotError) {
            var pages = NamePages(deletions.client, .beforeDeletion, prefix: "\(root)/")
            while tally.failed.count == 0, let page = try await pages.next() {
                await deletions.purgeDeleted(page.map(\.name)) { Self.take($0, $1, &tally) }
            }
        } catch {
            tally.fail(root, error)
        }
    }
}
