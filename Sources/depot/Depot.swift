import ArgumentParser
import DepotClient
import DepotReplica
import DepotSQLiteCatalog
import DepotServer
import DepotStore

@main
struct Depot: ParsableCommand {}
