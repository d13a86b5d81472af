import DepotCore
import DepotWire

// A tree is compared with the depot's list and with what is remembered of it.

extension UploadPipeline {
    func openCache(of cluster: ClusterID?) async throws(DepotError) {
        guard let terms else { return }
        try await threads.blocking { [cache, chunker, onEvent] in
            do throws(CacheProblem) {
                guard let place = terms.cache else { throw CacheProblem(.noFolder, nil) }
                guard let cluster else { throw CacheProblem(.noCluster, nil) }
                cache.open(try place.path(in: cluster, chunker.parameters))
            } catch {
                onEvent(.warnedOfCache(error))
            }
        }
    }

    /// Whatever became of the deposit: what has its receipt is remembered.
    func closeCache() async {
        // Threads that are gone write nothing; then some files are read again the next time.
        try? await threads.blocking { [cache] in cache.close() }
    }

    func maker(of sources: some Sequence<UploadSource> & Sendable) -> GroupMaker {
        var comparison: (TreeComparison, NamePages)?
        if let terms, !terms.isReread {
            comparison = (
                TreeComparison(terms, level: level, attributes: attributes, cache: cache),
                NamePages(server, prefix: terms.prefix?.text ?? "")
            )
        }
        return GroupMaker(
            sources, chunker: chunker, attributes: attributes, expecting: expected,
            threads: threads, ageMin: terms?.ageMin ?? TreeTerms.ageUsual, comparison: comparison
        ) { [onEvent] in onEvent(.unchanged($0, bytes: $1)) }
    }
}
