import DepotCore

extension SegmentStore {
    public func segments(
        after number: UInt32?, limit: Int
    ) async throws(DepotError) -> [SegmentInfo] {
        guard limit > 0 else { throw DepotError(.invalidArgument, "a page has at least one entry") }
        return try await onReader { () throws(DepotError) in
            let again = self.state.withLock { state in
                state.again.filter { state.recent[$0] != nil }
            }
            var live = try self.index.liveTotals(without: again)
            let (sealed, open) = self.state.withLock { state in
                for location in state.recent.values {
                    live[location.segment, default: (0, 0)].copies += 1
                    live[location.segment, default: (0, 0)].bytes += location.end - location.offset
                }
                return (
                    state.segments.values.map { ($0.number, $0.nonce, $0.bytes, true) },
                    state.end > 0 ? [(state.segment, state.nonce, state.end, false)] : []
                )
            }
            let rest = (sealed + open).filter { $0.0 > number ?? 0 }.sorted { $0.0 < $1.0 }
            return rest.prefix(limit).map { number, nonce, bytes, isSealed in
                let found = live[number] ?? (0, 0)
                return SegmentInfo(
                    id: SegmentID(number: number, nonce: nonce), bytes: bytes,
                    liveBytes: found.bytes, liveCopies: found.copies, isSealed: isSealed)
            }
        }
    }

    public func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        guard budget > 0 else { throw DepotError(.invalidArgument, "a step reads at least 1 byte") }
        let (step, locations) = try await onReader { () throws(DepotError) in
            let place = try self.place(segment)
            let (live, next) = try self.live(in: place, from: offset, budget: budget)
            let locations = Dictionary(live) { first, _ in first }
            guard let reader = try self.files.reader(segment.number) else {
                return (Self.step(ofVanished: live, next), locations)
            }
            var scrub = SegmentScrub(reader, nonce: segment.nonce, self.logger)
            scrub.read(live)
            if next == nil, place.isSealed {
                let all = try self.live(in: place, from: 0, budget: .max).live
                let wrong = Set(scrub.verdicts.filter { $0.verdict == .bad }.map(\.id))
                    .union(self.state.withLock { $0.bad })
                scrub.readStructure(
                    sound: Set(all.filter { !wrong.contains($0.0) }.map(\.1.offset)))
            }
            let step = ScrubStep(
                next: next, bytesRead: scrub.bytesRead, verdicts: scrub.verdicts,
                problems: scrub.problems)
            return (step, locations)
        }
        let bad = step.verdicts.filter { $0.verdict == .bad }.map(\.id)
        let good = step.verdicts.filter { $0.verdict == .good }.map(\.id)
        try await onLog { () throws(DepotError) in
            let healed = self.state.withLock { state in good.filter(state.bad.contains) }
            try self.note(bad, healed, locations)
        }
        return step
    }

    private static func step(
        ofVanished live: [(ObjectID, Location)], _ next: UInt64?
    ) -> ScrubStep {
        let problem = SegmentProblem(offset: 0, what: "its file is gone, or cannot be opened")
        return ScrubStep(
            next: next, bytesRead: 0,
            verdicts: live.map { ScrubVerdict(id: $0.0, verdict: .bad) },
            problems: next == nil ? [problem] : [])
    }

    private struct Place {
        let segment: SegmentID
        let isSealed: Bool
        /// Copies that begin here or behind are not durable yet.
        let end: UInt64
    }

    private func place(_ segment: SegmentID) throws(DepotError) -> Place {
        let place = state.withLock { state -> Place? in
            if let sealed = state.segments[segment.number], sealed.nonce == segment.nonce {
                return Place(segment: segment, isSealed: true, end: sealed.bytes)
            }
            guard state.segment == segment.number, state.nonce == segment.nonce, state.end > 0
            else { return nil }
            return Place(segment: segment, isSealed: false, end: state.synced)
        }
        guard let place else {
            throw DepotError(
                .notFound, "there is no such segment, or it was compacted",
                object: SegmentFile.name(segment.number))
        }
        return place
    }

    /// Live copies in order of their place, as many as the budget is for. There may be none, and more behind `next`.
    private func live(
        in place: Place, from offset: UInt64, budget: UInt64
    ) throws(DepotError) -> (live: [(ObjectID, Location)], next: UInt64?) {
        let number = place.segment.number
        let (rows, cut) = try index.live(
            in: number, from: offset, limit: configuration.segmentMembersMax, budget: budget)
        var found: [(ObjectID, Location)] = rows.map { id, offset, length in
            (
                id,
                Location(
                    segment: number, nonce: place.segment.nonce, offset: offset, length: length)
            )
        }
        // The index may lag behind; and what was put again since lies elsewhere now.
        state.withLock { state in
            found.removeAll { id, _ in
                state.recent[id] != nil || state.dead.contains(id) || state.dying.contains(id)
            }
            for (id, location) in state.recent
            where location.segment == number && location.offset >= offset
                && location.offset < cut ?? .max
            {
                found.append((id, location))
            }
        }
        found.removeAll { $0.1.end > place.end }
        found.sort { $0.1.offset < $1.1.offset }
        var bytes: UInt64 = 0
        let taken = found.prefix { _, location in
            defer { bytes += location.end - location.offset }
            return bytes < budget
        }
        return (Array(taken), taken.count < found.count ? found[taken.count].1.offset : cut)
    }
}
