// swift-tools-version:6.2
import PackageDescription

// Fuzz targets, and all code with what libFuzzer counts, are built where `DEPOT_FUZZ` is set.
let isFuzzing = Context.environment["DEPOT_FUZZ"] != nil

// Warnings stop the build where `CI` is set, and wherever fuzz targets are built, which no other build compiles. They do not
// elsewhere: a newer compiler must not keep a user out.
let isStrict = isFuzzing || Context.environment["CI"] != nil
let strict: [SwiftSetting] = isStrict ? [.treatAllWarnings(as: .error)] : []

// What libFuzzer learns of what an input reached, see Tests/Fuzz/run. The compiler's own choice for it tells libFuzzer nothing.
let reached: [SwiftSetting] =
    isFuzzing
    ? [.unsafeFlags(["-sanitize-coverage=edge,inline-8bit-counters,pc-table,trace-cmp"])] : []

// The commit that `depot --version` names. Whoever builds says it, as Scripts/package does: a build of an edited checkout must not
// be taken for one of its commit.
let commit = (Context.environment["DEPOT_COMMIT"] ?? "").filter { $0.isHexDigit || $0 == "+" }

let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: "swift-nio")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals = Target.Dependency.product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")

/// A library target, as Sources/README.md draws it: it may import what is named here and nothing else.
func library(
    _ name: String, _ dependencies: [Target.Dependency], _ settings: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict + reached + settings)
}

/// Cutting and hashing take all the time of a test that moves many bytes, were they not optimised in
/// debug builds, too: vectors are a hundred times slower there. Assertions stay on.
let optimised = SwiftSetting.unsafeFlags(
    ["-O", "-assert-config", "Debug"], .when(configuration: .debug))

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "depot",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "depot", targets: ["depot"]),
        .executable(name: "depot-benchmark", targets: ["DepotBenchmark"]),
        // For a test that loads it into the daemons.
        .library(name: "memory-counts", type: .dynamic, targets: ["CMemoryCounts"]),
    ],
    dependencies: [
        // Exact versions: what was tested is what is built, everywhere.
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLinux"),
        .target(name: "CBuildCommit", cSettings: [.define("DEPOT_COMMIT", to: "\"\(commit)\"")]),
        .systemLibrary(
            name: "CSQLiteOptions", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        library("DepotCore", ["CLibCrypto", nioCore], [optimised]),
        library("DepotMetrics", [metrics]),
        // Between SQLite and the disk, to tell a page that changed there from one that was written. Optimised in debug
        // builds, too, as hashing is.
        .target(
            name: "CSQLiteChecksums", dependencies: [sqlite],
            cSettings: [.unsafeFlags(["-O2"], .when(configuration: .debug))]),
        library("DepotSQLite", ["CSQLiteChecksums", "DepotCore", grdb, sqlite]),
        library(
            "DepotStore",
            [
                "CLinux", "DepotCore", "DepotSQLite", nioCore, nioPosix, grdb, log,
            ]),
        library(
            "DepotSQLiteCatalog",
            ["DepotCore", "DepotMetrics", "DepotSQLite", grdb, nioCore, log, metrics]),
        library("DepotCertificates", ["CLibCrypto", "DepotCore"]),
        library(
            "DepotWire",
            ["DepotCertificates", "DepotCore", nioCore, nioPosix, nioHTTP1, nioSSL, nioTLS]),
        library(
            "DepotClient",
            [
                "CLinux", "DepotCore", "DepotSQLite", "DepotWire", nioCore, nioHTTP1, nioPosix,
                grdb,
                system,
            ]),
        library(
            "DepotReplicaLink",
            ["DepotCertificates", "DepotCore", "DepotWire", nioCore, nioHTTP1]),
        library(
            "DepotReplica",
            [
                "DepotCore", "DepotMetrics", "DepotWire", nioCore, nioPosix, nioHTTP1, lifecycle,
                log, metrics,
            ]),
        library("DepotCluster", ["DepotCore", "DepotMetrics", "DepotWire", nioCore, log, metrics]),
        library("DepotUpkeep", ["DepotCore", "DepotMetrics", "DepotWire", "DepotCluster", log]),
        // Files of the page, taken into the binary as they are.
        .target(name: "CPageAssets", exclude: ["Assets"]),
        .target(
            name: "DepotPage",
            dependencies: [
                "CPageAssets", "DepotCore",
                .product(name: "Mustache", package: "swift-mustache"),
            ],
            swiftSettings: strict + reached),
        library(
            "DepotServer",
            [
                "DepotCore", "DepotMetrics", "DepotWire", "DepotCluster", "DepotPage",
                "DepotUpkeep", nioCore, nioHTTP1, lifecycle, log, metrics,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ]),
        .executableTarget(
            name: "depot",
            dependencies: [
                "CBuildCommit", "CLinux", "CSQLiteOptions", "DepotCore", "DepotStore",
                "DepotSQLiteCatalog", "DepotWire", "DepotClient", "DepotReplicaLink",
                "DepotReplica", "DepotCluster",
                "DepotUpkeep", "DepotServer", "DepotCertificates", nioCore, lifecycle, signals, log,
                system,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"), "Yams",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "DepotBenchmark",
            dependencies: [
                "DepotCore", "DepotStore", "DepotSQLiteCatalog", "DepotWire", "FastCDCReference",
                "depot",
                nioCore, nioPosix, log,
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/DepotBenchmark", swiftSettings: strict),
        // The measure of quality for chunk boundaries.
        .target(
            name: "FastCDCReference", dependencies: ["DepotCore"], path: "Tests/FastCDCReference",
            swiftSettings: strict + [optimised]),
        // What tests of several targets share: conformance suites, faulty parts.
        .target(
            name: "DepotTestSupport", dependencies: ["DepotCore", nioCore, nioPosix, log],
            path: "Tests/DepotTestSupport", swiftSettings: strict),
        // Between SQLite and the disk, to record what is written and to let it fail.
        .target(name: "CSQLiteFaults", dependencies: [sqlite], path: "Tests/CSQLiteFaults"),
        // Between a process and its memory, to count copies and allocations. As built-ins they would become
        // calls of themselves.
        .target(
            name: "CMemoryCounts", path: "Tests/CMemoryCounts",
            cSettings: [.unsafeFlags(["-fno-builtin"])]),
        tests("DepotCoreTests", ["DepotCore", "FastCDCReference", "CLibCrypto", nioCore]),
        tests(
            "DepotStoreTests",
            [
                "CLinux", "CSQLiteChecksums", "DepotCore", "DepotStore", "DepotTestSupport", grdb,
                nioCore, log,
            ]),
        tests("DepotMetricsTests", ["DepotMetrics", metrics]),
        tests("DepotCertificatesTests", ["DepotCertificates", "DepotCore", "DepotTestSupport"]),
        tests(
            "DepotWireTests",
            [
                "DepotCertificates", "DepotCore", "DepotWire", "DepotTestSupport", nioCore,
                nioHTTP1,
            ]),
        tests(
            "DepotReplicaTests",
            [
                "DepotCertificates", "DepotCore", "DepotStore", "DepotWire", "DepotReplicaLink",
                "DepotMetrics", "DepotReplica", "DepotTestSupport", nioCore, nioPosix, lifecycle,
                log,
            ]),
        tests(
            "DepotClientTests",
            [
                "CLinux", "DepotCore", "DepotWire", "DepotClient", "DepotTestSupport", nioCore,
                system,
            ]),
        tests(
            "DepotServerTests",
            [
                "DepotCore", "DepotCluster", "DepotMetrics", "DepotUpkeep", "DepotPage",
                "DepotServer",
                "DepotSQLite", "DepotSQLiteCatalog", "DepotWire", "DepotTestSupport",
                nioCore, nioPosix, nioHTTP1, log, lifecycle,
                .product(name: "HummingbirdCore", package: "hummingbird"), "Yams",
            ]),
        tests(
            "DepotSQLiteCatalogTests",
            [
                "CSQLiteChecksums", "CSQLiteFaults", "DepotCore", "DepotSQLite",
                "DepotSQLiteCatalog", "DepotTestSupport", grdb, sqlite, log,
            ]
        ),
        // Reads the repository itself: documents, imports, the matrix of faults.
        tests("RepositoryTests", ["DepotMetrics"]),
        // Runs the command as a process: it depends on the product so that it is built.
        tests("DepotCommandTests", ["depot", "DepotTestSupport"], exclude: ["Fixtures"]),
    ],
    swiftLanguageModes: [.v6]
)

// It has no main function but libFuzzer's, so it is built only where it is asked for: Tests/Fuzz/run.
if isFuzzing {
    package.targets.append(
        .executableTarget(
            name: "DepotFuzz",
            dependencies: [
                "DepotCertificates", "DepotCore", "DepotServer", "DepotSQLiteCatalog", "DepotStore",
                "DepotWire", nioCore, nioHTTP1, grdb, log,
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
            ],
            path: "Tests/Fuzz/DepotFuzz",
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]))
}
