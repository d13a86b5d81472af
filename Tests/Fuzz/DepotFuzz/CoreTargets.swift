import DepotCore
import NIOCore

extension FuzzTarget {
    static let core = [
        FuzzTarget(name: "record") { bytes in
            _ = try? FileRecord(reading: bytes)
            guard let record = try? FileRecord(parsing: bytes) else { return }
            require(record.encoded().contiguous == bytes, "a record is spelled in two ways")
        },
        FuzzTarget(name: "record-batch") { bytes in
            guard let records = try? RecordBatch.records(in: bytes) else { return }
            let texts = records.reduce(into: ByteBuffer()) {
                $0.writeImmutableBuffer($1.encoded().contiguous)
            }
            require(texts == bytes, "a batch is something else than its records")
        },
        FuzzTarget(name: "manifest") { bytes in
            _ = try? ManifestPiece(parsing: bytes)
            guard let manifest = try? Manifest(parsing: bytes) else { return }
            require(manifest.encoded == bytes, "a manifest is spelled in two ways")
            var walk = ManifestWalk(manifest)
            // Whoever asks for its pieces gets what somebody else wrote.
            for _ in 0..<64 {
                switch walk.next() {
                case .piece:
                    guard (try? walk.take(VerifiedObject(hashing: bytes))) != nil else { return }
                case .chunks(let chunks): require(!chunks.isEmpty, "chunks that are none")
                case .end: return
                }
            }
        },
        FuzzTarget(name: "name") { bytes in
            let raw = Array(bytes.readableBytesView)
            let text = String(decoding: raw, as: UTF8.self)
            _ = text.printable
            _ = try? PolicyScope(prefix: text)
            if let name = try? FileName(text), let path = try? PathName(name) {
                let parts = path.text.utf8.split(
                    separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
                require(
                    parts.allSatisfy { !$0.isEmpty && Array($0) != [46] && Array($0) != [46, 46] },
                    "a path that leads out of its folder: \(path.text)")
            }
            guard !raw.isEmpty, !raw.contains(0) else { return }
            require(
                EscapedName.bytes(of: EscapedName.text(of: raw)) == raw,
                "bytes of a path do not come back from their name")
        },
        FuzzTarget(name: "text") { bytes in
            let text = String(buffer: bytes)
            if let time = FileTime(text) { require("\(time)" == text, "a time of two texts") }
            if let sequence = CommitSequence(text) {
                require("\(sequence)" == text, "a sequence of two texts")
            }
            if let id = RequestID(text) {
                require("\(id)" == text.lowercased(), "an id of two texts")
            }
            if let id = ChunkID(hex: text) { require(id.hex == text, "a hash of two texts") }
            if let holes = try? Holes(text) { require("\(holes)" == text, "holes of two texts") }
            if let special = try? SpecialFile(text) {
                require("\(special)" == text, "a special file of two texts")
            }
            _ = ByteCount(parsing: text)
            _ = try? LinkTarget(text)
        },
    ]
}
