import DepotCore
import NIOCore

// Files that are committed, and what became of them, as lines: hundreds of files a request, and an
// encoder and a decoder of any JSON took a third of the client's time and a sixth of the
// FileServer's. A file is a line of `FileProposal`. A receipt is a line with the fields of its body
// and of `FieldWriter`'s spelling; what has none is a line of the JSON that the other form has.

extension CommitBody {
    public var lines: ByteBuffer {
        var lines = ByteBuffer()
        for file in files { lines.writeBytes(file.line) }
        return lines
    }

    /// - Throws: `invalidArgument` for what `lines` does not give; `tooLarge` for more files than a
    ///   commit takes.
    public init(lines: ByteBuffer) throws(DepotError) {
        var (rest, files) = (lines, [File]())
        while let line = try rest.readLine() {
            guard files.count < WireLimits.commitFilesMax else {
                throw DepotError(
                    .tooLarge, "one commit takes \(WireLimits.commitFilesMax) files, found more")
            }
            files.append(try FileProposal(line: line))
        }
        self.init(files: files)
    }
}

extension CommitAnswerBody {
    public func lines() throws(DepotError) -> ByteBuffer {
        var lines = ByteBuffer()
        for result in results {
            if let receipt = result.receipt {
                lines.writeBytes(receipt.line)
            } else {
                try lines.writeLine(result)
            }
        }
        return lines
    }

    /// - Throws: `invalidArgument` for what `lines` does not give.
    public init(lines: ByteBuffer) throws(DepotError) {
        var (rest, results) = (lines, [Result]())
        while let line = try rest.readLine() {
            if let receipt = try ReceiptBody(line: line) {
                results.append(Result(receipt: receipt))
            } else {
                let result = try WireJSON.decode(Result.self, from: line)
                guard result.receipt == nil, (result.lacking == nil) != (result.error == nil) else {
                    throw DepotError(
                        .invalidArgument, "a result is a receipt, what is lacking, or an error")
                }
                results.append(result)
            }
        }
        self.init(results: results)
    }
}

extension ReceiptBody {
    fileprivate var line: [UInt8] {
        var fields = FieldWriter()
        fields.add("chunk", quoted: chunk?.hex)
        fields.add("chunks", number: UInt64(chunks))
        fields.add("copies", number: UInt64(copies))
        fields.add("deposit", quoted: deposit.description)
        fields.add("level", number: UInt64(level.copies))
        fields.add("manifest", quoted: manifest.hex)
        fields.add("name", quoted: name.text)
        fields.add("newBytes", number: newBytes)
        fields.add("newChunks", number: UInt64(newChunks))
        fields.add("sequence", quoted: sequence.description)
        fields.add("sharedBytes", number: sharedBytes)
        fields.add("size", number: size)
        return fields.finish()
    }

    /// `nil` for a line that is no receipt's.
    ///
    /// - Throws: `invalidArgument` for a receipt with anything that no receipt has.
    fileprivate init?(line: ByteBuffer) throws(DepotError) {
        var fields = FieldReader(line)
        let chunk = fields.chunkID("chunk")
        guard let chunks = fields.count("chunks") else { return nil }
        let copies = fields.count("copies")
        let deposit = fields.depositID("deposit")
        let level = fields.count("level")
        let manifest = fields.chunkID("manifest")
        let name = fields.quoted("name")
        let newBytes = fields.count("newBytes")
        let newChunks = fields.count("newChunks")
        let sequence = fields.sequence("sequence")
        let sharedBytes = fields.count("sharedBytes")
        let size = fields.count("size")
        guard fields.isAtEnd else {
            throw DepotError(
                .invalidArgument, "a receipt says something else than receipts do", object: name)
        }
        self.init(
            deposit: try FieldReader.require("deposit", deposit),
            name: try FileName(FieldReader.require("name", name)),
            sequence: try FieldReader.require("sequence", sequence),
            manifest: try FieldReader.require("manifest", manifest), chunk: chunk,
            size: try Self.bytes("size", size),
            level: try ReplicationLevel(Self.count("level", level).wrappedValue),
            copies: try Self.count("copies", copies), chunks: try Self.count("chunks", chunks),
            newChunks: try Self.count("newChunks", newChunks),
            newBytes: try Self.bytes("newBytes", newBytes),
            sharedBytes: try Self.bytes("sharedBytes", sharedBytes))
    }

    private static func bytes(_ key: String, _ number: UInt64?) throws(DepotError) -> ByteCount {
        try FieldReader.require(key, number.flatMap(ByteCount.init(exactly:)))
    }

    private static func count(_ key: String, _ number: UInt64?) throws(DepotError) -> Count {
        try FieldReader.require(key, number.flatMap(Count.init(exactly:)))
    }
}
