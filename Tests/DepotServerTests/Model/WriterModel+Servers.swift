import DepotCluster
import DepotCore
import DepotServer
import DepotTestSupport
import DepotUpkeep
import DepotWire
import FoundationEssentials
import Testing

/// FileServers and their catalogs.
extension WriterModel {
    func start(in folder: String) async throws {
        let before = time.sleeping
        let running: TestDepot.Running
        do {
            running = try await TestDepot.launch(
                on: replicas, in: folder, clock: TestClock(over: time.clock)
            ) { configuration in
                configuration.timing = ServerTiming()
                // Nobody moves time on during a request.
                configuration.timing.suspicionLimit = .zero
            }
        } catch {
            story.append("\(step) no start in \(folder): \(error)")
            return
        }
        instancesEver += 1
        instances.append(Instance(number: instancesEver, folder: folder, running: running))
        story.append("\(step) \(instancesEver) starts in \(folder)")
        // It answers when it has asked all replicas.
        _ = try await running.depot.status()
        let number = replicas.count
        if let each = Self.sleepersEach.withLock({ $0[number] }) {
            try await time.settle(before + each, patience: .milliseconds(200))
        } else {
            try await Task.sleep(for: .milliseconds(300))
            let found = time.sleeping - before
            Self.sleepersEach.withLock { $0[number] = found }
        }
    }

    private func stop(_ instance: Instance) async throws {
        if late?.instance == instance.number { try await endLate() }
        instances.removeAll { $0 === instance }
        story.append("\(step) \(instance.number) stops")
        try await instance.running.stop()
    }

    func stopOne() async throws {
        guard instances.count > 1 || Bool.random(using: &random), let instance = pick(instances)
        else { return }
        try await stop(instance)
        stopped.append(instance.folder)
    }

    func startAgain() async throws {
        guard instances.count < Self.instancesMax, let folder = pick(stopped) else { return }
        stopped.removeAll { $0 == folder }
        try await start(in: folder)
    }

    /// Somebody clones a machine, or makes a backup.
    func copyFolder() async throws {
        guard late == nil, let folder = pick(instances.map(\.folder) + stopped) else { return }
        let copy = freshFolder()
        try FileManager.default.copyItem(atPath: folder, toPath: copy)
        copies.append(copy)
        story.append("\(step) \(folder) is copied to \(copy)")
    }

    /// A clone is started beside the others, or a backup is put in the place of one of them.
    func startCopy() async throws {
        if copies.isEmpty { try await copyFolder() }
        guard let copy = pick(copies) else { return }
        if instances.count >= Self.instancesMax || Bool.random(using: &random),
            let instance = pick(instances)
        {
            try await stop(instance)
            if Bool.random(using: &random) { stopped.append(instance.folder) }
        }
        let folder = freshFolder()
        try FileManager.default.copyItem(atPath: copy, toPath: folder)
        story.append("\(step) \(folder) is made of \(copy)")
        try await start(in: folder)
    }

    /// Somebody takes all catalogs for lost, or one.
    func rebuild() async throws {
        if instances.count >= Self.instancesMax || Bool.random(using: &random),
            let instance = pick(instances)
        {
            try await stop(instance)
        }
        let folder = freshFolder()
        let accepts = Bool.random(using: &random)
        if await rebuild(in: folder, acceptMissing: true, acceptMinority: accepts) {
            try await start(in: folder)
        }
    }

    /// - Returns: whether there is a catalog now.
    func rebuild(in folder: String, acceptMissing: Bool, acceptMinority: Bool) async -> Bool {
        do {
            let report = try await TestDepot.rebuild(
                replicas, in: folder, acceptMissing: acceptMissing, acceptMinority: acceptMinority)
            for word in report.minorityWordsListed {
                guard let name = names[word.name.text] else { continue }
                names[word.name.text]?.possible.formUnion(name.attempted)
            }
            story.append(
                "\(step) \(folder) is rebuilt, \(report.missing.count) missing, "
                    + "words of minorities: \(report.minorityWordsListed)")
            return true
        } catch {
            story.append("\(step) not rebuilt: \(error)")
            return false
        }
    }

    // MARK: Upkeep

    func collect() async throws {
        guard let instance = pick(instances) else { return }
        let depot = instance.depot
        let answer = try await attend { try await depot.collect() }
        story.append(
            "\(step) collection at \(instance.number): \(answer.status) "
                + (answer.error?.message ?? String(buffer: answer.body)))
    }

    func verify() async throws {
        guard late == nil, let instance = pick(instances) else { return }
        let id = VerificationID.random()
        let answer = try await instance.depot.startVerification(id)
        story.append("\(step) verification at \(instance.number): \(answer.status)")
        guard answer.status == 202 else { return }
        for _ in 0..<20 {
            let phase = try await instance.depot.progress(of: id).phase
            if phase == .done || phase == .failed { return }
            try await time.advance(by: .seconds(1), patience: .milliseconds(20))
        }
    }
}
