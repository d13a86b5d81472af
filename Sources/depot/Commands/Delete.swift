import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete files. Chunks that other files use stay.")

    @Argument(help: "The files' names.") var names: [String]
    @OptionGroup var options: ServerOptions

    private struct Body: Encodable { let deleted: [FileName] }

    func run() async throws {
        var parsed: [FileName] = []
        for name in names { parsed.append(try FileName(name)) }
        let client = try options.client()
        var deleted: [FileName] = []
        var failure: DepotError?
        for name in parsed {
            do throws(DepotError) {
                try await client.delete(name)
                deleted.append(name)
                if !options.output.json, !options.output.quiet { Output.line("deleted \(name)") }
            } catch {
                failure = failure ?? error
                if names.count > 1, !options.output.json { Output.complain("\(error)") }
            }
        }
        if let failure { throw failure }
        if options.output.json { Output.json(Body(deleted: deleted)) }
    }
}
