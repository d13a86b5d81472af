import DepotCore
import DepotStore
import DepotTestSupport
import NIOCore
import Testing

/// What must hold after a power cut, grown as a store tells it.
struct CrashExpectations: Sendable {
    /// All that was ever begun to be put.
    var known: [ObjectID: ByteBuffer] = [:]
    /// Vouched for, and no deletion begun since.
    var durable: Set<ObjectID> = []
    var told: ReplicaStanding?
    /// Memberships that may be found: what was told, and what was being adopted.
    var memberships: Set<ClusterMembership?> = [nil]
    var segmentNewest: UInt32 = 0

    /// Opens what a power cut left and looks at everything in it.
    ///
    /// - Parameter what: names the image, and how to make it again.
    func check(_ folder: String, _ what: Comment) async throws {
        let position = try await open(folder, what) { store in
            let standing = try await store.standing()
            if let told {
                #expect(standing.replica == told.replica, what)
                #expect(standing.position.opens > told.position.opens, what)
                #expect(
                    standing.position.continues(told.position),
                    "\(told.position) → \(standing.position) \(what)")
            }
            #expect(memberships.contains(standing.membership), what)
            #expect(standing.position.segment > segmentNewest, what)
            #expect(standing.writable, what)
            try await checkObjects(store, what)
            return standing.position
        }
        let segments = try contents(of: folder + "/segments")
        let torn = try contents(of: folder + "/torn")
        let again = try await open(folder, what) { try await $0.standing().position }
        #expect(try contents(of: folder + "/segments") == segments, "recovered again \(what)")
        #expect(try contents(of: folder + "/torn") == torn, "recovered again \(what)")
        #expect(again.continues(position) && again.opens == position.opens + 1, what)
    }

    private func open<Result>(
        _ folder: String, _ what: Comment, _ body: (SegmentStore) async throws -> Result
    ) async throws -> Result {
        do {
            return try await withStore(at: folder, smallSegments(), body)
        } catch {
            Issue.record("\(error) \(what)")
            throw error
        }
    }

    private func checkObjects(_ store: SegmentStore, _ what: Comment) async throws {
        let held = try await store.wholeInventory(pageSize: 100).map(\.id)
        #expect(durable.subtracting(held).isEmpty, "lost \(what)")
        #expect(Set(held).subtracting(known.keys).isEmpty, "never put \(what)")
        for id in held {
            #expect(try await store.bytes(of: id) == known[id], what)
        }
        #expect(try await store.vouch(for: held).allSatisfy { $0 == .durable }, what)
        for segment in try await store.segments(after: nil, limit: 1_000) {
            let step = try await store.scrub(segment.id, from: 0, budget: .max)
            #expect(step.next == nil && step.problems.isEmpty, "\(step.problems) \(what)")
            #expect(step.verdicts.allSatisfy { $0.verdict == .good }, "torn \(what)")
        }
    }
}
