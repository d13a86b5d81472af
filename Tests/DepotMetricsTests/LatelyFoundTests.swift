import DepotMetrics
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LatelyFoundTests {
    private final class Scene: Sendable {
        let now = Mutex(Duration.zero)
        let looks = Atomic<Int>(0)
        let fails = Atomic<Bool>(false)

        struct Failure: Error {}

        func found(taking duration: Duration = .zero) -> LatelyFound<Int> {
            LatelyFound(
                elapsed: { self.now.withLock { $0 } },
                find: {
                    let look = self.looks.add(1, ordering: .relaxed).newValue
                    self.now.withLock { $0 += duration }
                    if self.fails.load(ordering: .relaxed) { throw Failure() }
                    return look
                })
        }

        func pass(_ seconds: Int) { now.withLock { $0 += .seconds(seconds) } }

        func looks(_ count: Int) async throws {
            while looks.load(ordering: .relaxed) < count {
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    /// Runs the test beside the task that looks.
    private func beside<Value: Sendable>(
        _ found: LatelyFound<Value>, _ test: () async throws -> Void
    ) async throws {
        let running = Task { await found.run() }
        try await test()
        running.cancel()
        await running.value
    }

    private func value(_ found: LatelyFound<Int>, _ expected: Int) async throws {
        while found.last()?.value != expected { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test func `nobody looks before somebody asks, and nobody waits`() async throws {
        let scene = Scene()
        let found = scene.found()
        try await beside(found) {
            try await Task.sleep(for: .milliseconds(20))
            #expect(scene.looks.load(ordering: .relaxed) == 0)
            #expect(found.last()?.value == nil)
            try await value(found, 1)
        }
    }

    @Test func `it is looked for again when it is old, and not before`() async throws {
        let scene = Scene()
        let found = scene.found()
        try await beside(found) {
            try await value(found, 1)
            scene.pass(14)
            for _ in 0..<20 {
                #expect(found.last()?.value == 1)
                try await Task.sleep(for: .milliseconds(1))
            }
            #expect(found.last()?.age == .seconds(14))
            scene.pass(1)
            try await value(found, 2)
        }
        #expect(scene.looks.load(ordering: .relaxed) == 2)
    }

    @Test func `looking takes no more than a twentieth of the time`() async throws {
        let scene = Scene()
        let found = scene.found(taking: .seconds(10))
        try await beside(found) {
            try await value(found, 1)
            #expect(found.last()?.took == .seconds(10))
            scene.pass(199)
            for _ in 0..<20 {
                #expect(found.last()?.value == 1)
                try await Task.sleep(for: .milliseconds(1))
            }
            scene.pass(1)
            try await value(found, 2)
        }
    }

    @Test func `what was found stays where it is looked for in vain`() async throws {
        let scene = Scene()
        let found = scene.found()
        try await beside(found) {
            try await value(found, 1)
            scene.fails.store(true, ordering: .relaxed)
            scene.pass(20)
            #expect(found.last()?.value == 1)
            try await scene.looks(2)
            #expect(found.last()?.value == 1)
            #expect(found.last()?.age == .seconds(20))
            scene.fails.store(false, ordering: .relaxed)
            scene.pass(15)
            try await value(found, 3)
        }
    }
}
