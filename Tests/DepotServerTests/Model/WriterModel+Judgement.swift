import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What has to be so whatever happened.
extension WriterModel {
    private struct Shown {
        let file: File?
        let problem: String?
    }

    /// Who has just acknowledged something shows what was acknowledged.
    func look(at instance: Instance) async throws {
        guard try await !instance.depot.catalog.isPartial(), let name = pick(Self.names),
            names[name]?.isBusy == false
        else { return }
        // Some replicas may be away; then there may be nobody to read from.
        let shown = try await show(name, at: instance.depot)
        if shown.problem == nil { check(shown, name, "at \(instance.number)") }
    }

    private func show(_ name: String, at depot: TestDepot) async throws -> Shown {
        let info = try await attend { try await depot.http.call(.GET, "/v1/files/\(name)/info") }
        if info.status == 404 { return Shown(file: nil, problem: nil) }
        let level = try? info.json(FileInfoBody.self).file.level.copies
        guard let level else { return Shown(file: nil, problem: "\(info.status)") }
        return try await show(name, level: level, at: depot)
    }

    /// - Parameter level: that of the file; `nil` where there is none.
    private func show(_ name: String, level: Int?, at depot: TestDepot) async throws -> Shown {
        guard let level else { return Shown(file: nil, problem: nil) }
        let content = try await attend { try await depot.content(name) }
        guard content.status == 200 else {
            return Shown(file: nil, problem: content.error?.message ?? "\(content.status)")
        }
        guard let number = contents.firstIndex(where: { $0.bytes == content.body }) else {
            return Shown(file: nil, problem: "bytes that nobody deposited")
        }
        return Shown(file: File(content: number, level: level), problem: nil)
    }

    private func check(_ shown: Shown, _ name: String, _ place: String) {
        let possible = names[name]?.possible ?? []
        let isRight =
            shown.problem == nil
            && possible.contains { $0.map(same(as: shown.file)) ?? (shown.file == nil) }
        #expect(
            isRight,
            "\(name) \(place) is \(shown), and may be \(possible); \(replay)")
    }

    /// Two contents may be the same by chance.
    private func same(as shown: File?) -> (File) -> Bool {
        { [contents] file in
            guard let shown else { return false }
            return file.level == shown.level
                && contents[file.content].bytes == contents[shown.content].bytes
        }
    }

    /// All replicas are there again. Whoever writes then has everything; so has a catalog that is made of the replicas
    /// alone, and it loses nothing when it collects.
    func judge() async throws {
        if late != nil { try await endLate() }
        for replica in replicas { replica.mood = .well }
        for instance in instances { for link in instance.depot.links { link.heal() } }
        if let writer = try await writer() { try await check(writer.depot, "at the writer") }
        checkOrder()
        for instance in instances { try await instance.running.stop() }
        instances = []
        let folder = freshFolder()
        if await !rebuild(in: folder, acceptMissing: false, acceptMinority: false) {
            let isMade = await rebuild(in: folder, acceptMissing: false, acceptMinority: true)
            try #require(isMade, replay)
        }
        try await start(in: folder)
        let rebuilt = try #require(instances.first, replay)
        try await check(rebuilt.depot, "at the rebuilt one")
    }

    private func check(_ depot: TestDepot, _ place: String) async throws {
        try await checkAll(depot, place)
        _ = try await attend { try await depot.collect() }
        try await checkAll(depot, "\(place), after a collection")
    }

    private func checkAll(_ depot: TestDepot, _ place: String) async throws {
        let listed = try await attend { try await depot.http.call(.GET, "/v1/files") }
            .json(FileListBody.self).files
        for name in Self.names {
            let level = listed.first { $0.name.text == name }?.level.copies
            var shown = try await show(name, level: level, at: depot)
            // A copy may have taken over just now: then whoever was asked looks again how replicas are. On a busy machine
            // time passes faster than the answers come.
            for _ in 0..<5 where shown.problem != nil {
                try await pass(.seconds(2))
                shown = try await show(name, level: level, at: depot)
            }
            check(shown, name, place)
        }
    }

    private func writer() async throws -> Instance? {
        for _ in 0..<3 {
            try await pass(.seconds(6))
            for instance in instances {
                guard try await instance.depot.status().problem == nil,
                    try await !instance.depot.catalog.isPartial()
                else { continue }
                return instance
            }
        }
        return nil
    }

    /// Who was taken over acknowledges nothing more.
    private func checkOrder() {
        for first in acknowledgements {
            for other in acknowledgements
            where other.instance != first.instance && other.from > first.to {
                let again = acknowledgements.first {
                    $0.instance == first.instance && $0.from > other.to
                }
                #expect(
                    again == nil, "\(first.instance) and \(other.instance) both write; \(replay)")
                if again != nil { return }
            }
        }
    }
}
