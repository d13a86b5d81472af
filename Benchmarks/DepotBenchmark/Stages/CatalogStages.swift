import DepotCore
import DepotSQLiteCatalog
import Foundation
import NIOCore

/// What a deposit and a look ask of a catalog that has so many chunks already.
struct CatalogStages: Sendable {
    private static let pages = 20
    private static let pageSize = 1_000

    let chunks: Int

    func measure(in folder: String) async throws -> [Measurement] {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let filled = try await FilledCatalog(chunks: chunks, in: folder)
        let catalog = try await SQLiteCatalog.open(at: folder)
        while try await catalog.learn() {}
        let found = try await measure(catalog, filled)
        try catalog.close()
        return found
    }

    func measure(_ catalog: SQLiteCatalog, _ filled: FilledCatalog) async throws -> [Measurement] {
        let deposit = DepositID.random()
        try await catalog.openDeposit(
            DepositOpening(deposit: deposit, level: ReplicationLevel(3), lease: .seconds(3_600)))
        var random = SplitMix64(seed: 7)
        let scattered = (0..<Self.pages).map { _ in
            (0..<Self.pageSize).map { _ in
                filled.chunk(Int(random.next() % UInt64(chunks)))
            }
        }
        // As a file's are that was deposited before.
        let known = (0..<Self.pages).map { _ in
            let first = Int(random.next() % UInt64(chunks))
            return (first..<first + Self.pageSize).map { filled.chunk($0 % chunks) }
        }
        let new = (0..<Self.pages).map { page in
            (0..<Self.pageSize).map { FilledCatalog.newChunk(page * Self.pageSize + $0) }
        }
        var found: [Measurement] = []
        for (name, pages) in [("known", known), ("scattered", scattered), ("new", new)] {
            found.append(
                try await timed("negotiation, \(name)", Self.pages * Self.pageSize) {
                    for page in pages {
                        _ = try await catalog.negotiate(
                            deposit, chunks: page, live: Set(filled.replicas), copies: 3)
                    }
                })
        }
        found.append(
            try await timed("commit", Self.pages * Self.pageSize) {
                for (number, page) in new.enumerated() {
                    try await commit(page, "new/\(number)", deposit, catalog, filled)
                }
            })
        found.append(try await info(catalog, filled))
        found.append(try await list(catalog))
        try await catalog.closeDeposit(deposit)
        return found
    }

    private func timed(
        _ name: String, _ operations: Int, _ body: () async throws -> Void
    ) async rethrows -> Measurement {
        try await Stages.timed("catalog: \(name)", bytes: 0, operations: operations, body)
    }

    /// A file of one page of chunks, which all replicas have just vouched for.
    private func commit(
        _ page: [ChunkReference], _ name: String, _ deposit: DepositID, _ catalog: SQLiteCatalog,
        _ filled: FilledCatalog
    ) async throws {
        let manifest = FilledCatalog.manifest(of: name)
        _ = try await catalog.negotiate(
            deposit, chunks: [manifest], live: Set(filled.replicas), copies: 3)
        let mark = try await catalog.mark()
        let durable = (page + [manifest]).map { ($0, Set(filled.replicas)) }
        try await catalog.prove(
            BarrierProof(durable: Dictionary(durable) { one, _ in one }), asOf: mark,
            deposit: deposit)
        let lacking = try await catalog.stage(
            [ManifestPage(of: manifest, chunks: page, isLast: true)], deposit: deposit)
        guard lacking.isEmpty else {
            throw CommandFailed(description: "a manifest was not staged")
        }
        let outcomes = try await catalog.commit(
            [
                FileCommit(
                    name: FileName(name), manifest: .init(stored: manifest),
                    size: FilledCatalog.size(of: page), metadata: FileMetadata(),
                    chunks: page.count)
            ], deposit: deposit, copiesRequired: 3, time: 0)
        guard case .committed = outcomes[0] else {
            throw CommandFailed(description: "a file was not committed")
        }
    }

    /// Everything about files of a page of chunks.
    private func info(
        _ catalog: SQLiteCatalog, _ filled: FilledCatalog
    ) async throws -> Measurement {
        let names = try filled.largeNames(Self.pages).map { try FileName($0) }
        return try await timed("info, a chunk", Self.pages * FilledCatalog.fileChunks) {
            for name in names {
                let file = try await catalog.file(name)
                let statuses = try await catalog.chunks(
                    of: file.manifest, after: nil, limit: Self.pageSize + 1)
                guard statuses.count > FilledCatalog.fileChunks / 2 else {
                    throw CommandFailed(description: "a file has lost chunks")
                }
            }
        }
    }

    private func list(_ catalog: SQLiteCatalog) async throws -> Measurement {
        try await timed("list, a name", Self.pages * FilledCatalog.names) {
            for _ in 0..<Self.pages {
                let names = try await catalog.files(
                    prefix: FilledCatalog.namesPrefix, after: nil, limit: FilledCatalog.names)
                guard names.files.count == FilledCatalog.names else {
                    throw CommandFailed(description: "names were lost")
                }
            }
        }
    }
}
