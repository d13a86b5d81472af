import DepotTestSupport
import FoundationEssentials
import Testing

@testable import DepotStore

/// Cuts the power after every change that a subject made, and looks at what is left.
struct CrashImages {
    let subject: CrashSubject
    /// The folder before the first change.
    let before: DiskModel
    let seed: UInt64
    let replay: String
    /// Every so many images the recovery is cut in its turn.
    var recoveryEvery: UInt64 = 40

    /// - Parameter scratch: an empty folder.
    func check(in scratch: String) async throws {
        var disk = before
        var generator = SeededGenerator(seed: seed)
        let log = subject.recorder.log
        for count in 0...log.count {
            if count > 0 { disk.make(log[count - 1].change) }
            let expected = subject.expected(after: count)
            // By turns: an image more of each moment takes as much time again.
            let extreme: PowerCut =
                (count / 2).isMultiple(of: 2) ? .takesAll : .takesNothing
            let part = PowerCut.takesSome(seed: generator.next())
            var cuts =
                Seeds.isThorough ? [extreme, part] : [count.isMultiple(of: 2) ? extreme : part]
            if recoveryEvery == .max { cuts = [part] }
            for cut in cuts {
                let image = "\(scratch)/\(generator.next())"
                try disk.write(to: image, after: cut)
                defer { try? FileManager.default.removeItem(atPath: image) }
                let index = try placeIndex(image, Array(log.prefix(count)), &generator)
                let what: Comment =
                    "after \(count) of \(log.count) changes, \(cut), index \(index); \(replay)"
                if generator.next().isMultiple(of: recoveryEvery) {
                    try await checkRecovery(image, expected, generator.next(), what)
                }
                try await expected.check(image + "/a", what)
            }
        }
    }

    /// None, the newest, or an older one: no sync covers it.
    private func placeIndex(
        _ image: String, _ log: [FolderRecorder.Entry], _ generator: inout SeededGenerator
    ) throws -> String {
        let choice = generator.next() % 3
        let older = log.isEmpty ? 0 : Int(generator.next() % UInt64(log.count))
        guard choice > 0, !log.isEmpty, FileManager.default.fileExists(atPath: image + "/a") else {
            return "none"
        }
        let entry = choice == 1 ? log[log.count - 1] : log[older]
        for (suffix, data) in entry.index {
            try data.write(to: URL(fileURLWithPath: "\(image)/a/index.sqlite\(suffix)"))
        }
        return choice == 1 ? "newest" : "after \(older)"
    }

    private func checkRecovery(
        _ image: String, _ expected: CrashExpectations, _ seed: UInt64, _ what: Comment
    ) async throws {
        let copy = image + "-recovered"
        defer { try? FileManager.default.removeItem(atPath: copy) }
        try copyFolder(image, to: copy)
        let before = try DiskModel(contentsOf: copy)
        let recovering = try await CrashSubject.open(in: copy, expected)
        await recovering.store.close()
        let images = CrashImages(
            subject: recovering, before: before, seed: seed,
            replay: "the recovery of an image \(what)", recoveryEvery: .max)
        let scratch = image + "-scratch"
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        try await images.check(in: scratch)
    }
}

/// The files of a folder.
func contents(of folder: String) throws -> [String: Data] {
    var contents: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
        contents[name] = FileManager.default.contents(atPath: "\(folder)/\(name)")
    }
    return contents
}
