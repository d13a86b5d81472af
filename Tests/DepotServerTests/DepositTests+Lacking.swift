import DepotCore
import DepotWire
import NIOCore
import Testing

/// Barriers and commits that find something lacking or wrong.
extension DepositTests {
    @Test func `what a replica had not synced is asked for again, never acknowledged`() async throws
    {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(60_000, seed: 11))
            let all = file.chunks + file.manifest.objects
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 3)
            _ = try await depositor.negotiate(all)
            #expect(try await depositor.upload(all).status == 200)
            for replica in depot.replicas { replica.losePower() }
            let lacking = try TestDepositor.lacking(try await depositor.barrier(all))
            #expect(Set(lacking.map(\.id)) == Set(all.map(\.id.hash)))
            let early = try await depositor.commit("file", file.manifest)
            #expect(try early.json(CommitAnswerBody.self).results[0].receipt == nil)
            #expect(try await depositor.upload(all).status == 200)
            depot.replicas[0].losePower()
            #expect(try TestDepositor.lacking(try await depositor.barrier(all)).isEmpty)
            for replica in depot.replicas { replica.losePower() }
            let answer = try await depositor.commit("file", file.manifest)
            let receipt = try #require(
                try answer.json(CommitAnswerBody.self).results.first?.receipt)
            // The one that lost its copies got them again from the others, at the barrier.
            #expect(receipt.copies == 3)
        }
    }

    @Test func `a commit without its chunks says what is lacking`() async throws {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(30_000, seed: 12))
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            _ = try await depositor.negotiate(file.chunks + file.manifest.objects)
            let bare = try await depositor.commit("file", file.manifest)
            #expect(
                try bare.json(CommitAnswerBody.self).results[0].lacking?.map(\.id)
                    == [file.manifest.objects[0].id.hash])
            _ = try await depositor.upload(file.manifest.objects)
            _ = try await depositor.barrier(file.manifest.objects)
            let poor = try await depositor.commit("file", file.manifest)
            let lacking = try #require(try poor.json(CommitAnswerBody.self).results[0].lacking)
            #expect(Set(lacking.map(\.id)) == Set(file.chunks.map(\.id.hash)))
            #expect(try await depot.content("file").status == 404)
        }
    }

    @Test func `a manifest that lies about its size publishes nothing`() async throws {
        try await TestDepot.run { depot in
            let file = try TestDepositor.file(TestDepositor.data(30_000, seed: 13))
            let lie = ByteBuffer(
                string: String(buffer: file.manifest.objects[0].contiguous)
                    .replacing("size 30000", with: "size 30001"))
            let forged = VerifiedObject(hashing: lie)
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let all = file.chunks + [forged, file.manifest.objects[0]]
            _ = try await depositor.negotiate(all)
            _ = try await depositor.upload(all)
            _ = try await depositor.barrier(all)
            let inside = CommitBody.File(
                name: try FileName("inside"), manifest: .init(stored: ChunkReference(forged)),
                size: 30_001,
                metadata: FileMetadata())
            let outside = CommitBody.File(
                name: try FileName("outside"), manifest: file.manifest.reference, size: 29_999,
                metadata: FileMetadata())
            let honest = CommitBody.File(
                name: try FileName("honest"), manifest: file.manifest.reference, size: 30_000,
                metadata: FileMetadata())
            let answer = try await depot.http.call(
                .POST, "/v1/deposits/\(depositor.deposit)/commits",
                body: [try WireJSON.encode(CommitBody(files: [inside, outside, honest]))])
            let results = try answer.json(CommitAnswerBody.self).results
            #expect(results[0].error?.code == .manifestInvalid)
            #expect(results[1].error?.code == .manifestInvalid)
            #expect(results[2].receipt?.copies == 2)
            let list = try await depot.http.call(.GET, "/v1/files").json(FileListBody.self)
            #expect(list.files.map(\.name.text) == ["honest"])
        }
    }

    /// Over a link of 1 Mbit/s each batch of what a barrier copies took its whole limit to fail.
    @Test func `a replica that took some copies of a barrier in vain is sent no more of them`()
        async throws
    {
        try await TestDepot.run(replicas: 2) { depot in
            try await depot.ready()
            let client = TestDepositor(depot)
            _ = try await client.open(level: 2)
            let slow = DepotError(.busy, "too slow")
            depot.links[1].inject(.refuse(slow), into: .openUpload, calls: .all)
            depot.links[1].inject(.refuse(slow), into: .put, calls: .all)
            var all: [VerifiedObject] = []
            for part in 0..<5 {
                let data = TestDepositor.data(8_000_000, seed: UInt64(150 + part))
                let chunks = try TestDepositor.file(data, chunkSize: 100_000).chunks
                _ = try await client.negotiate(chunks)
                #expect(try await client.upload(chunks).status == 200)
                all += chunks
            }
            let lacking = try TestDepositor.lacking(try await client.barrier(all))
            #expect(lacking.count == all.count)
            // Ten batches, of which three were under way at once.
            #expect((1...3).contains(depot.links[1].count(of: .put)))
        }
    }
}
