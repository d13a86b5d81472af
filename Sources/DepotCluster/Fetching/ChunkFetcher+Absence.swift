import DepotCore

extension ChunkFetcher {
    /// - Parameter what: what the chunk is, for whoever asked.
    /// - Throws: `noGoodCopy`; `unreachable`, naming the replicas, where some that are believed to
    ///   have it do not answer.
    package func require(
        _ obtained: Obtained<VerifiedObject>, of chunk: ChunkReference, called what: String
    ) throws(DepotError) -> VerifiedObject {
        switch obtained {
        case .found(let object) where object.length == chunk.length: return object
        case .absent(let silent) where !silent.isEmpty:
            let names = silent.map(pool.name(of:)).sorted().joined(separator: ", ")
            throw DepotError(
                .unreachable,
                "\(what) cannot be read now: \(names), where a copy of it is, does not answer. See "
                    + "depot status",
                object: chunk.id.hex)
        case .found, .absent:
            throw DepotError(
                .noGoodCopy, "no replica that can be reached has a good copy of \(what)",
                object: chunk.id.hex)
        }
    }
}
