import DepotCore
import Testing

/// What deposits left behind that named, brought or staged something.
extension CatalogConformance {
    static let staged: [CatalogBehaviour] = [
        CatalogBehaviour("a deposit that names a chunk begins its grace time anew") { fixture in
            try await fixture.admit(1...1)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...1))
            _ = try await fixture.delete("file")
            try await fixture.catalog.markUnused()
            fixture.advance(Fixture.grace)
            let deposit = try await fixture.open(level: 1)
            let lacking = try await fixture.catalog.negotiate(
                deposit, chunks: [chunk], live: Fixture.replicas(1...1), copies: 1)
            #expect(lacking.isEmpty)
            try await fixture.catalog.closeDeposit(deposit)
            let unmarked = try await fixture.releaseUnused([chunk], on: 1)
            try await fixture.catalog.markUnused()
            let marked = try await fixture.releaseUnused([chunk], on: 1)
            #expect(unmarked.isEmpty && marked.isEmpty)
        },
        // A deposit that was refused kept disks full for a day with what it had sent.
        CatalogBehaviour("what a deposit brought for nothing has a grace time of its own") {
            fixture in
            try await fixture.admit(1...1)
            let (brought, named, kept) = try (
                Fixture.chunk("brought"), Fixture.chunk("named"), Fixture.chunk("kept")
            )
            let on = Fixture.replicas(1...1)
            let grace = CollectionGrace(unused: Fixture.grace, abandoned: .seconds(60))
            func ready() async throws -> Set<ChunkID> {
                try await Set(
                    fixture.catalog.unused(
                        for: grace, on: Fixture.replica(1), after: nil, limit: 10
                    ).map(\.id))
            }
            let first = try await fixture.open(level: 1)
            try await fixture.deposit("file", [kept], on: on, keepingLease: first)
            try await fixture.send([brought, named], to: on, in: first)
            // Somebody else relies on one of them.
            let second = try await fixture.open(level: 1)
            let lacking = try await fixture.catalog.negotiate(
                second, chunks: [named, kept], live: on, copies: 1)
            #expect(lacking.isEmpty)
            try await fixture.catalog.closeDeposit(first)
            let early = try await ready()
            #expect(early.isEmpty)
            fixture.advance(.seconds(60))
            let late = try await ready()
            #expect(late == [brought.id])
            let gone = try await fixture.catalog.releaseUnused(
                [brought, named, kept].map(\.id), for: grace, on: Fixture.replica(1))
            #expect(gone == [brought.id])
            // Who relied on it had not brought it: the usual time.
            try await fixture.catalog.closeDeposit(second)
            try await fixture.catalog.markUnused()
            fixture.advance(.seconds(60))
            let used = try await ready()
            #expect(!used.contains(named.id))
            // Named again, it is a chunk as any other.
            let third = try await fixture.open(level: 1)
            try await fixture.send([brought], to: on, in: third)
            try await fixture.deposit("again", [brought], on: on, keepingLease: third)
            try await fixture.catalog.closeDeposit(third)
            _ = try await fixture.delete("again")
            try await fixture.catalog.markUnused()
            fixture.advance(.seconds(60))
            let deleted = try await ready()
            #expect(deleted.isEmpty)
        },
        CatalogBehaviour("a stray is what nobody uses or believes in") { fixture in
            try await fixture.admit(1...2)
            let (file, claimed, unknown) = try (
                Fixture.chunk("file"), Fixture.chunk("claimed"), Fixture.chunk("unknown")
            )
            try await fixture.deposit("file", [file], on: Fixture.replicas(1...1))
            let deposit = try await fixture.open(level: 1)
            _ = try await fixture.catalog.negotiate(deposit, chunks: [claimed], live: [], copies: 1)
            let all = [file, claimed, unknown].map(\.id)
            func strays(_ number: UInt8) async throws -> [ChunkID] {
                try await fixture.catalog.strays(among: all, on: Fixture.replica(number))
            }
            #expect(try await strays(1) == [claimed.id, unknown.id], "nobody has vouched for it")
            try await fixture.send([claimed], to: Fixture.replicas(1...1), in: deposit)
            #expect(try await strays(1) == [unknown.id])
            #expect(try await strays(2) == [unknown.id], "what is used is nobody's stray")
            try await fixture.catalog.closeDeposit(deposit)
            #expect(try await strays(2) == [claimed.id, unknown.id])
            #expect(try await strays(1) == [unknown.id], "a replica has it, and the catalog knows")
            _ = try await fixture.show([Fixture.entry(claimed)], of: 2)
            #expect(try await strays(2) == [unknown.id], "an inventory has shown it")
        },
        // Staging did not hold the manifest: a collection that came between two pages forgot what the first page
        // had said, the last page made the manifest complete without it, the deposit committed, and the chunks of
        // the first page were collected under a live file.
        CatalogBehaviour("a collection between two pages of a manifest forgets neither") {
            fixture in
            for reopening in [false, true] {
                try await fixture.admit(1...1)
                let chunks = try Fixture.chunks(reopening ? 10..<12 : 0..<2)
                let file = try Fixture.commit("file", chunks)
                let deposit = try await fixture.open(level: 1)
                let all = chunks + [file.manifest.text]
                try await fixture.send(all, to: Fixture.replicas(1...1), in: deposit)
                try await fixture.catalog.stage(
                    manifest: file.manifest.text, uses: [chunks[0]], pieces: [], isLast: false,
                    deposit: deposit)
                if reopening { try await fixture.catalog.closeDeposit(deposit) }
                try await fixture.catalog.markUnused()
                try await fixture.catalog.openDeposit(
                    DepositOpening(
                        deposit: deposit, level: ReplicationLevel(1), lease: Fixture.lease))
                try await fixture.send(all, to: Fixture.replicas(1...1), in: deposit)
                try await fixture.catalog.stage(
                    manifest: file.manifest.text, uses: [chunks[1]], pieces: [], isLast: true,
                    deposit: deposit)
                let isStaged = try await fixture.catalog.isStaged(manifest: file.manifest.id)
                #expect(isStaged)
                let used = try await fixture.catalog.chunks(
                    of: file.manifest, after: nil, limit: 10)
                #expect(Set(used.map(\.reference)) == Set(chunks + [file.manifest.text]))
                try await fixture.catalog.markUnused()
                let kept = try await fixture.catalog.isStaged(manifest: file.manifest.id)
                #expect(kept, "the deposit that staged it holds it")
                try await fixture.catalog.closeDeposit(deposit)
                try await fixture.catalog.markUnused()
                let abandoned = try await fixture.catalog.isStaged(manifest: file.manifest.id)
                #expect(!abandoned)
            }
        },
        CatalogBehaviour("a manifest whose staging was given up is forgotten, too") { fixture in
            try await fixture.admit(1...1)
            let chunk = try Fixture.chunk("chunk")
            let file = try Fixture.commit("file", [chunk])
            let deposit = try await fixture.open(level: 1)
            try await fixture.send(
                [chunk, file.manifest.text], to: Fixture.replicas(1...1), in: deposit)
            try await fixture.catalog.stage(
                manifest: file.manifest.text, uses: [chunk], pieces: [], isLast: false,
                deposit: deposit)
            fixture.advance(Fixture.lease)
            try await fixture.collect(on: 1...1)
            let plan = try await fixture.catalog.collectionPlan(grace: .zero)
            #expect(plan.manifests == 1 && plan.unusedChunks == 0)
            try await fixture.catalog.markUnused()
            let none = try await fixture.catalog.collectionPlan(grace: .zero)
            #expect(none == CollectionPlan())
        },
    ]
}
