import DepotCore

extension SegmentStore {
    public func segments(
        after number: UInt32?, limit: Int
    ) async throws(DepotError) -> [SegmentInfo] {
        guard limit > 0 else { throw DepotError(.invalidArgument, "a page has at least one entry") }
        return try await onReader { () throws(DepotError) in
            let shadowed = self.state.withLock { $0.memtable.shadowed }
            var live = try self.index.liveTotals(without: shadowed)
            let segments = self.state.withLock { state in
                for location in state.memtable.locations {
                    live[location.segment, default: (0, 0)].copies += 1
                    live[location.segment, default: (0, 0)].bytes += location.space
                }
                var all = state.segments.all.map { ($0.id, $0.bytes, true) }
                if let open = state.log.begun { all.append((open, state.log.end, false)) }
                return all
            }
            let rest = segments.filter { $0.0.number > number ?? 0 }
                .sorted { $0.0.number < $1.0.number }
            return rest.prefix(limit).map { id, bytes, isSealed in
                let found = live[id.number] ?? (0, 0)
                return SegmentInfo(
                    id: id, bytes: bytes, liveBytes: found.bytes, liveCopies: found.copies,
                    isSealed: isSealed)
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
                    .union(self.state.withLock { $0.quarantine.objects })
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
            let healed = self.state.withLock { $0.quarantine.found(good) }
            try self.remember(bad: bad, good: healed, at: locations)
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
        /// Copies that end behind this are not durable yet.
        let end: UInt64
    }

    private func place(_ segment: SegmentID) throws(DepotError) -> Place {
        let place = state.withLock { state -> Place? in
            if let sealed = state.segments.segment(segment) {
                return Place(segment: segment, isSealed: true, end: sealed.bytes)
            }
            guard state.log.begun == segment else { return nil }
            return Place(segment: segment, isSealed: false, end: state.log.durable.offset)
        }
        guard let place else {
            throw DepotError(
                .notFound, "there is no such segment, or it was compacted",
                object: SegmentFile.name(segment.number))
        }
        return place
    }

    /// Live copies in order of their place, up to the budget. A step may find none, and `next` may
    /// still name more.
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
        // Neither a copy that the index has not merged is missing, nor one that was put again
        // counts twice.
        state.withLock { state in
            found.removeAll { id, _ in state.hidesIndexed(id) }
            let end = max(cut ?? .max, offset)
            found += state.memtable.copies(in: number, at: offset..<end).map {
                ($0.id, $0.location)
            }
        }
        found.removeAll { $0.1.end > place.end }
        found.sort { $0.1.offset < $1.1.offset }
        var bytes: UInt64 = 0
        let taken = found.prefix { _, location in
            defer { bytes += location.space }
            return bytes < budget
        }
        return (Array(taken), taken.count < found.count ? found[taken.count].1.offset : cut)
    }
}
