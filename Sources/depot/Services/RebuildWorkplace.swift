import DepotCore
import DepotSQLiteCatalog

struct RebuildWorkplace {
    init(folder: String) async throws(DepotError) {}
    func make(_ cluster: ClusterIdentity) async throws(DepotError) -> any Catalog { fatalError() }
    func replace() async throws(DepotError) -> [String] { [] }
}
