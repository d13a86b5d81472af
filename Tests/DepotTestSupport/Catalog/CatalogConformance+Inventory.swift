import DepotCore
import Testing

extension CatalogConformance {
    static let inventories: [CatalogBehaviour] = [
        CatalogBehaviour("an inventory is compared both ways, whatever the size of its pages") {
            fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<9)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...2))
            let record = try await fixture.lastRecord()
            try await fixture.deliver(on: 1...1)
            let (stray, manifest) = try (Fixture.chunk("stray"), Fixture.manifest(chunks))
            // Sorted by id, the first, the last and one in between are not there.
            let sorted = (chunks + [manifest]).sorted { $0.id < $1.id }
            let missing = [sorted[0], sorted[4], sorted[9]]
            let shown = sorted.filter { !missing.contains($0) } + [stray]
            for size in [1, 2, 3, 100] {
                let found = try await fixture.show(
                    shown.map(Fixture.entry), of: 1, pageSize: size)
                #expect(
                    found.missing == missing.map { .chunk($0.id) } + [.record(record.hash)],
                    "in pages of \(size)")
                #expect(found.entered == (size == 1 ? [.chunk(stray.id)] : []), "once")
                #expect(found.unknownRecords.isEmpty && found.wrongLength.isEmpty)
            }
            let kept = try await fixture.state(missing[0], on: 1)
            #expect(kept == .good, "what does not show is asked for again, not taken away")
            let status = try await fixture.status(stray)
            #expect(status?.target == 0)
            let state = try await fixture.state(stray, on: 1)
            #expect(state == .unproved)
        },
        CatalogBehaviour("a page says nothing of what lies behind its last entry") { fixture in
            try await fixture.admit(1...1)
            let chunks = try Fixture.chunks(0..<4).sorted { $0.id < $1.id }
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...1))
            try await fixture.deliver(on: 1...1)
            let first = try await fixture.catalog.reconcile(
                InventoryPage(after: nil, entries: [Fixture.entry(chunks[1])], isLast: false),
                of: Fixture.replica(1))
            #expect(first.missing.contains(.chunk(chunks[0].id)))
            #expect(!first.missing.contains(.chunk(chunks[2].id)))
            #expect(first.missing.allSatisfy { $0.kind == .chunk }, "records come behind chunks")
            let behind = try await fixture.catalog.reconcile(
                InventoryPage(
                    after: .chunk(chunks[1].id), entries: [Fixture.entry(chunks[2])], isLast: false),
                of: Fixture.replica(1))
            #expect(!behind.missing.contains(.chunk(chunks[0].id)))
            #expect(!behind.missing.contains(.chunk(chunks[3].id)))
            let empty = try await fixture.catalog.reconcile(
                InventoryPage(after: nil, entries: [], isLast: false), of: Fixture.replica(1))
            #expect(empty == InventoryFindings())
            let nothing = try await fixture.show([], of: 1)
            #expect(nothing.missing.count == 6, "four chunks, a manifest, a record")
        },
        CatalogBehaviour("bad and released copies are not missed, an unproved one is") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<3)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...3), level: 2)
            try await fixture.settle(chunks[0], .bad, on: 1)
            let released = try await fixture.release(chunks[1], on: 1, hashed: 2...3)
            #expect(released)
            _ = try await fixture.observe(LogPosition(opens: 0, segment: 0, offset: 0), of: 1)
            let found = try await fixture.show([], of: 1)
            let expected = try [chunks[2], Fixture.manifest(chunks)].map { $0.id }.sorted()
            #expect(found.missing == expected.map { .chunk($0) })
        },
        CatalogBehaviour("what shows is entered, and changes nothing that is known better") {
            fixture in
            try await fixture.admit(1...2)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...1))
            let record = try await fixture.lastRecord()
            let other = try ChunkReference(id: chunk.id, length: chunk.length + 1)
            let wrong = try await fixture.show([Fixture.entry(other)], of: 2)
            #expect(wrong.wrongLength == [chunk.id])
            let found = try await fixture.show(
                [Fixture.entry(chunk), Fixture.entry(record)], of: 2)
            #expect(found.wrongLength.isEmpty, "the right length")
            #expect(found.entered == [.record(record.hash)], "the chunk was entered before")
            let states = try await [fixture.state(chunk, on: 1), fixture.state(chunk, on: 2)]
            #expect(states == [.good, .unproved])
            let before = try await fixture.catalog.outbox(limit: 10).first?.confirmed
            #expect(before == [], "a record has a holding when its replica has vouched for it")
            try await fixture.catalog.settle(
                records: [record.hash: .good], on: Fixture.replica(2))
            let confirmed = try await fixture.catalog.outbox(limit: 10).first?.confirmed
            #expect(confirmed == [Fixture.replica(2)])
            let again = try await fixture.show(
                [Fixture.entry(chunk), Fixture.entry(record)], of: 2)
            #expect(again.entered.isEmpty)
            try await fixture.settle(chunk, .bad, on: 2)
            _ = try await fixture.show([Fixture.entry(chunk)], of: 2)
            let bad = try await fixture.state(chunk, on: 2)
            #expect(bad == .bad, "to show it proves nothing")
            let long = InventoryEntry(
                id: .chunk(ChunkID(hashing: "long")), length: Limits.chunkSizeMax + 1, segment: 1)
            let none = InventoryEntry(
                id: .chunk(ChunkID(hashing: "none")), length: 0, segment: 1)
            let odd = try await fixture.show([long, none], of: 2)
            #expect(Set(odd.wrongLength) == [long.id.hash, none.id.hash] && odd.entered.isEmpty)
            await fixture.expect(.notFound) { _ = try await fixture.show([], of: 3) }
        },
        CatalogBehaviour("records that a replica lost go out again if they say something still") {
            fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<1)
            var records: [FileRecord] = []
            for _ in 0..<2 {
                try await fixture.deposit("file", chunks, on: Fixture.replicas(1...1))
                records.append(try await fixture.lastRecord())
                try await fixture.deliver(on: 1...3)
            }
            let unknown = ChunkID(hashing: "unknown")
            let found = try await fixture.show(
                [InventoryEntry(id: .record(unknown), length: 9, segment: 1)], of: 3)
            #expect(found.unknownRecords == [unknown])
            for verdict in [CheckVerdict.absent, .bad] {
                try await fixture.catalog.settle(
                    records: [
                        records[0].hash: verdict, records[1].hash: verdict, unknown: verdict,
                    ], on: Fixture.replica(3))
                let outbox = try await fixture.catalog.outbox(limit: 10)
                #expect(outbox.map(\.record) == [records[1]], "the newest of its name")
                #expect(outbox.first?.confirmed == Fixture.replicas(1...2))
                try await fixture.deliver(on: 3...3)
            }
            try await fixture.catalog.settle(
                records: [records[0].hash: .good], on: Fixture.replica(3))
            let obsolete = try await fixture.obsolete(on: 3)
            #expect(obsolete == [records[0].hash], "a good one has a holding")
            let names = try await fixture.catalog.names(
                ofRecords: [unknown, records[1].hash, records[0].hash])
            #expect(names == [[], [records[0].name], [records[0].name]])
        },
        CatalogBehaviour("files are found by what they use: content, manifest and pieces") {
            fixture in
            try await fixture.admit(1...1)
            let (shared, piece) = try (Fixture.chunk("shared"), Fixture.chunk("piece"))
            let deep = try Fixture.commit("b/deep", [shared])
            let deposit = try await fixture.open(level: 1)
            try await fixture.send(
                [shared, piece, deep.manifest.text], to: Fixture.replicas(1...1), in: deposit)
            try await fixture.catalog.stage(
                manifest: deep.manifest.text, uses: [shared], pieces: [piece], isLast: true,
                deposit: deposit)
            _ = try await fixture.outcome(deep, in: deposit, copies: 1).receipt
            let flat = [shared, try Fixture.chunk("own")]
            for name in ["c", "a", "gone"] {
                try await fixture.deposit(name, flat, on: Fixture.replicas(1...1))
            }
            _ = try await fixture.delete("gone")
            let cases: [(ChunkReference, [String])] = [
                (shared, ["a", "b/deep", "c"]), (piece, ["b/deep"]), (flat[1], ["a", "c"]),
                (deep.manifest.text, ["b/deep"]), (try Fixture.manifest(flat), ["a", "c"]),
                (try Fixture.chunk("unknown"), []),
            ]
            for (chunk, expected) in cases {
                let found = try await fixture.catalog.files(using: chunk.id, limit: 10)
                #expect(found.map(\.text) == expected)
            }
            let limited = try await fixture.catalog.files(using: shared.id, limit: 2)
            #expect(limited.map(\.text) == ["a", "b/deep"])
        },
    ]
}
