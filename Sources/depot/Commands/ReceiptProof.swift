import ArgumentParser
import DepotClient
import DepotCore
import DepotWire
import FoundationEssentials
import NIOCore

/// Receipts in files: one object, or an array of them.
enum ReceiptFile {
    /// - Throws: why no receipt could be written there. To be asked before anything is deposited.
    static func check(_ path: String) throws(DepotError) {
        do throws(DepotError) {
            try WholeFile.check(path)
        } catch {
            throw DepotError(
                error.code, "nothing was deposited, because the receipt \(error.message)",
                object: path)
        }
    }

    static func write(
        _ receipts: [ReceiptBody], isTree: Bool, to path: String
    ) throws(DepotError) {
        var bytes =
            if !isTree, let receipt = receipts.first {
                try WireJSON.encode(receipt)
            } else {
                try WireJSON.encode(receipts)
            }
        bytes.writeString("\n")
        for warning in try WholeFile.write(bytes, to: path) {
            Output.note("warning: \(path): \(warning)")
        }
    }

    /// - Throws: `notFound` where there is no file; `invalidArgument` for one that is no receipt.
    static func read(_ path: String) throws(DepotError) -> [ReceiptBody] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DepotError(.notFound, "the receipt's file cannot be read", object: path)
        }
        let bytes = ByteBuffer(bytes: data)
        let isArray = data.first { $0 > 0x20 } == UInt8(ascii: "[")
        do throws(DepotError) {
            return isArray
                ? try WireJSON.decode([ReceiptBody].self, from: bytes)
                : [try WireJSON.decode(ReceiptBody.self, from: bytes)]
        } catch {
            throw DepotError(
                .invalidArgument, "no receipt of depot's: \(error.message)", object: path)
        }
    }
}

/// Proves receipts again: what `depot verify --receipt FILE` does.
enum ReceiptProof {
    private struct Body: Encodable {
        let proved: Bool
        let receipts: [ReceiptProofBody]
    }

    /// Ends the command with exit code 2 where one of them does not hold.
    static func run(
        file: String, client: FileServerClient, output: OutputOptions
    ) async throws {
        var proofs: [ReceiptProofBody] = []
        for receipt in try ReceiptFile.read(file) {
            let proof = try await client.prove(receipt)
            proofs.append(proof)
            if !output.json, !output.quiet || !proof.isProved { show(proof) }
        }
        let isProved = proofs.allSatisfy(\.isProved)
        if output.json { Output.json(Body(proved: isProved, receipts: proofs)) }
        if !isProved { throw ExitCode(2) }
    }

    private static func show(_ proof: ReceiptProofBody) {
        let word = proof.isProved ? "proved" : "NOT PROVED"
        Output.line(
            "\(proof.name)  \(word)  "
                + "\(Output.plural(proof.copiesNow, "whole copy", many: "whole copies")) now, "
                + "\(proof.copiesPromised) promised  \(Output.plural(proof.chunks, "chunk")), "
                + "\(ByteCount(proof.bytesRead)) read and hashed")
        if let problem = proof.problem { Output.line("  \(problem)") }
        for short in proof.shortListed {
            Output.line(
                "  \(short.chunk)  "
                    + "\(Output.plural(short.copies, "whole copy", many: "whole copies"))")
        }
        if proof.short > proof.shortListed.count {
            Output.line("  … and \(proof.short - proof.shortListed.count) more")
        }
        switch proof.nameState {
        case .current: break
        case .sameContent:
            Output.line("  the name has a newer commit of the same content")
        case .replaced:
            Output.line("  the name has another content now; retrieve gives that")
        case .deleted:
            Output.line(
                "  the name was deleted; what is left of the content goes when it is collected")
        }
    }
}
