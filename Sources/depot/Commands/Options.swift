import ArgumentParser
import DepotClient
import DepotCore
import DepotWire
import Foundation

/// How results are written.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Write results and errors as one JSON object.")
    var json = false

    @Flag(help: "With --json: a line now and then while it works; the result is the last.")
    var progress = false

    @Flag(name: .shortAndLong, help: "Write nothing but errors.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Tell of all files that fail, not of the first ten.")
    var verbose = false
}

/// Where the FileServer is.
struct ServerOptions: ParsableArguments {
    @Option(
        help: "The FileServer, as https://HOST:PORT or http://HOST:PORT; DEPOT_SERVER otherwise.")
    var server: String?

    @Option(
        help: ArgumentHelp(
            "The CA by which an https:// FileServer is known, as PEM; DEPOT_CA_FILE, or the "
                + "system's, otherwise.",
            valueName: "file"), completion: .file())
    var ca: String?

    @Option(
        help: ArgumentHelp(
            "How long to try again where the FileServer does not answer: 30s, and 2s where nobody "
                + "listened yet, otherwise.",
            valueName: "time"),
        transform: TimeSpan.parse)
    var patience: TimeSpan?

    @OptionGroup var output: OutputOptions

    /// - Throws: `invalidArgument` where no server is named, or no token.
    func client() throws(DepotError) -> FileServerClient {
        let known = if let server { server } else { try CommandWords.environment("DEPOT_SERVER") }
        guard let address = known else {
            throw DepotError(
                .invalidArgument,
                "which FileServer? Give --server https://HOST:PORT or set DEPOT_SERVER")
        }
        try Descriptors.prepare()
        var configuration = TransportConfiguration()
        configuration.trust = try ClientTrust.read(ca)
        let transport = ChunkTransport(
            endpoint: try Endpoint(address), token: try Secret.client.read(),
            configuration: configuration)
        let isQuiet = output.json || output.quiet
        let onWaiting: @Sendable (DepotError) -> Void = { error in
            if !isQuiet { Output.note("waiting: \(error)") }
        }
        guard let patience else {
            return FileServerClient(transport: transport, onWaiting: onWaiting)
        }
        return FileServerClient(
            transport: transport, patience: patience.duration, firstPatience: patience.duration,
            onWaiting: onWaiting)
    }
}

/// A token, from the environment or a file that the environment names. There is no default.
struct Secret {
    let variable: String
    /// Its file's key in settings.
    let setting: String
    let whose: String

    /// Nobody's token is as long: it is another file.
    private static let fileSizeMax = 4_096

    static let client = Secret(
        variable: "DEPOT_TOKEN", setting: "token-file", whose: "clients")
    static let cluster = Secret(
        variable: "DEPOT_CLUSTER_TOKEN", setting: "cluster-token-file",
        whose: "FileServer and replicas")

    /// - Throws: `unauthorized` where none is given, `invalidArgument` for one that cannot be
    ///   right.
    func read() throws(DepotError) -> AccessToken {
        if let text = try CommandWords.environment(variable) { return try AccessToken(text) }
        var (path, source) = (
            try CommandWords.environment("\(variable)_FILE"), "\(variable)_FILE"
        )
        if path == nil, let found = try Settings.current?[setting] {
            (path, source) = (found.values.first, found.source)
        }
        guard let path else {
            throw DepotError(
                .unauthorized,
                "the token of \(whose) is missing: set \(variable) or \(variable)_FILE, or "
                    + "\(setting) in a file of settings")
        }
        do throws(DepotError) {
            return try Self.read(file: path)
        } catch  where error.code == .unauthorized {
            throw DepotError(error.code, "\(error.message); see \(source)", object: path)
        }
    }

    /// - Throws: `unauthorized` where it cannot be read, `invalidArgument` for what is no token.
    static func read(file path: String) throws(DepotError) -> AccessToken {
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            data = try handle.read(upToCount: fileSizeMax + 1) ?? Data()
        } catch {
            throw DepotError(
                .unauthorized, "the token's file cannot be read", object: path, cause: error)
        }
        let text = String(decoding: data, as: UTF8.self)
        guard data.count <= fileSizeMax,
            let token = try? AccessToken(
                String(text.reversed().drop { $0.isWhitespace }.reversed()))
        else {
            throw DepotError(
                .invalidArgument,
                "it has no token in it: a token is a line of at least 16 printable ASCII "
                    + "characters without spaces", object: path)
        }
        return token
    }
}
