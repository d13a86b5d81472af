import DepotCertificates
import DepotCore
import Foundation

/// A folder of certificates that goes when the test ends.
struct CertificateWorkshop {
    static let now: Int64 = 1_795_000_000
    static let day: Int64 = 86_400

    let folder: CertificateFolder

    /// Makes it with a FileServer's and a replica's certificates.
    static func with<Result>(_ body: (CertificateWorkshop) async throws -> Result) async throws
        -> Result
    {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "depot-certificates-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(CertificateWorkshop(folder: CertificateFolder(path)))
    }

    func path(_ name: String) -> String { "\(folder.path)/\(name)" }

    func files(of name: String) -> TLSFiles {
        TLSFiles(
            certificate: folder.file(name), key: folder.keyFile(name),
            authority: folder.authorityFile)
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
    }

    func write(_ bytes: [UInt8], _ name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
    }

    /// What OpenSSL's command says, and whether it was content.
    func openssl(_ arguments: [String]) throws -> (isGood: Bool, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let pipe = Pipe()
        (process.standardOutput, process.standardError) = (pipe, pipe)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus == 0, text)
    }

    static let hasOpenSSL = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")
}
