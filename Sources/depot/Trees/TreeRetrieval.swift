import DepotClient
import DepotCore
import DepotWire

import struct SystemPackage.FilePath

/// Retrieves everything below a name into a folder, several files at a time.
struct TreeRetrieval: Sendable {
    enum Outcome: Sendable {
        case done(DownloadReport)
        /// It was there as the depot has it.
        case unchanged(FileBody, [RestoreWarning])
        /// It was there, and was not to be replaced.
        case kept(FileBody)
        /// It cannot be made here.
        case leftOut(FileBody, RestoreWarning)
        case failed(name: String, DepotError)
    }

    /// Bytes of what is under way at once, of each no more than a pipeline keeps in memory.
    private static let bytesMax: UInt64 = 32 << 20
    private static let bytesOfEachMax: UInt64 = 16 << 20

    let client: FileServerClient
    let threads: BlockingThreads
    let group: GroupDownload
    let tree: TreeName
    /// Of when.
    let moment: ListMoment
    let folders: FolderTree
    let entries: TreeEntries
    /// Where files that are there are read.
    let comparison: ContentComparison?
    let progress: Progress
    let onOutcome: @Sendable (Outcome) -> Void

    /// What becomes of each file is told when it is known, and not kept.
    ///
    /// - Throws: `notFound` where no name is below the prefix; what ends the listing.
    func run() async throws(DepotError) {
        let counting = Task { if progress.isShown { try await count() } }
        defer { counting.cancel() }
        let root = try await folderItself()
        var listing = TreeListing(client, moment, tree, isKnown: root != nil)
        // Groups of small files, or large files: several hide the round trips.
        let outcome = await withTaskGroup(of: Work.self) { tasks in
            var underWay = UnderWay()
            var result = Result<Void, DepotError>.success(())
            do throws(DepotError) {
                if let root { _ = try await select([TreeEntries.Entry(root, at: "")]) }
                while true {
                    let unit = try await listing.next { page async throws(DepotError) in
                        try await select(entries(of: page))
                    }
                    guard let unit, !Task.isCancelled else { break }
                    if unit.isEmpty, !entries.isFull { continue }
                    try folders.makeRoot()
                    let bytes = min(unit.reduce(0) { $0 + $1.file.size }, Self.bytesOfEachMax)
                    while !underWay.hasRoom(for: bytes), let done = await tasks.next() {
                        underWay.take(done)
                        tell(done.outcomes)
                    }
                    underWay.add(bytes)
                    tasks.addTask { Work(bytes: bytes, outcomes: await retrieve(unit)) }
                    guard entries.isFull else { continue }
                    for await done in tasks { tell(done.outcomes) }
                    underWay = UnderWay()
                    await finish(before: listing.firstWaiting)
                }
            } catch {
                result = .failure(error)
            }
            for await done in tasks { tell(done.outcomes) }
            await finish(before: nil)
            return result
        }
        try outcome.get()
    }

    private struct Work {
        let bytes: UInt64
        let outcomes: [Outcome]
    }

    private struct UnderWay {
        private var units = 0
        private var bytes: UInt64 = 0

        func hasRoom(for more: UInt64) -> Bool {
            units < Descriptors.unitsAtOnce
                && (units == 0 || bytes + more <= TreeRetrieval.bytesMax)
        }

        mutating func add(_ more: UInt64) { (units, bytes) = (units + 1, bytes + more) }

        mutating func take(_ done: Work) { (units, bytes) = (units - 1, bytes - done.bytes) }
    }

    /// Lists ahead of what is retrieved, for the progress alone.
    private func count() async throws(DepotError) {
        var pages = NamePages(client, moment, prefix: tree.prefix)
        var size: UInt64 = 0
        while let page = try await pages.next() { size.increase(by: page.total { $0.size }) }
        progress.set(total: size)
    }

    /// What the depot knows of the folder that the name is of.
    private func folderItself() async throws(DepotError) -> FileBody? {
        guard let name = tree.name else { return nil }
        do throws(DepotError) {
            if moment != .now {
                let first = try await client.files(moment, prefix: name.text, after: nil).files
                    .first
                return first.flatMap { file in
                    file.name == name && file.metadata.kind == .folder ? file : nil
                }
            }
            let found = try await client.info(of: name, after: nil).file
            return found.name == name && found.metadata.kind == .folder ? found : nil
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// Where files go; those with a name that is no path are told.
    private func entries(of page: [FileBody]) -> [TreeEntries.Entry] {
        page.compactMap { file in
            do throws(DepotError) {
                return TreeEntries.Entry(file, at: try path(of: file.name))
            } catch {
                onOutcome(.failed(name: file.name.text, error))
                return nil
            }
        }
    }

    /// In bytes: to a `String` a slash and a combining mark behind it are one character.
    private func path(of name: FileName) throws(DepotError) -> FilePath {
        FilePath(of: try PathName(tree.below(name)))
    }

    // MARK: What needs no content

    /// - Returns: the files of which content is to be fetched.
    private func select(
        _ page: [TreeEntries.Entry]
    ) async throws(DepotError) -> [TreeEntries.Entry] {
        try folders.makeRoot()
        let outcomes = try await threads.blocking { [entries] in entries.take(page) }
        return take(outcomes).map(\.entry)
    }

    /// Tells what became of entries.
    ///
    /// - Returns: those of which content is to be fetched.
    private func take(
        _ outcomes: [TreeEntries.Outcome]
    ) -> [(entry: TreeEntries.Entry, warning: RestoreWarning?)] {
        outcomes.compactMap { outcome in
            switch outcome {
            case .restored(let file, let warnings):
                onOutcome(.done(DownloadReport(file: file, warnings: warnings)))
            case .unchanged(let file, let warnings):
                progress.advance(file.size)
                onOutcome(.unchanged(file, warnings))
            case .kept(let file):
                progress.advance(file.size)
                onOutcome(.kept(file))
            case .leftOut(let file, let warning): onOutcome(.leftOut(file, warning))
            case .failed(let name, let error): onOutcome(.failed(name: name.text, error))
            case .lacking(let entry, let warning): return (entry, warning)
            }
            return nil
        }
    }

    /// Makes further names of files, and gives folders that are complete their modes and times.
    /// Nothing else is under way.
    ///
    /// - Parameter next: the first name that is still to come; `nil` at the end.
    private func finish(before next: FileName?) async {
        do throws(DepotError) {
            let links = try await threads.blocking { [entries] in
                entries.finishLinks(isLast: next == nil)
            }
            for (entry, warning) in take(links) {
                tell(await retrieve([entry]).map { $0.warned(warning) })
            }
            let finished = try await threads.blocking { [entries] in
                entries.finishFolders(before: next)
            }
            _ = take(finished)
        } catch {
            onOutcome(.failed(name: tree.shown, error))
        }
    }

    // MARK: Content

    private func tell(_ outcomes: [Outcome]) {
        for outcome in outcomes {
            switch outcome {
            case .done(let report): entries.done(report.file)
            case .unchanged(let file, _): entries.done(file)
            case .kept, .leftOut, .failed: break
            }
            onOutcome(outcome)
        }
    }

    /// - Returns: of each file of the unit.
    private func retrieve(_ unit: [TreeEntries.Entry]) async -> [Outcome] {
        guard let comparison else { return await fetch(unit) }
        var (outcomes, lacking): ([Outcome], [TreeEntries.Entry]) = ([], [])
        for entry in unit {
            switch await comparison.compare(entry, version(of: entry.file), restoring: true) {
            case .unchanged(let file, let warnings):
                progress.advance(file.size)
                outcomes.append(.unchanged(file, warnings))
            case .failed(let name, let error): outcomes.append(.failed(name: name.text, error))
            case .lacking, .restored, .kept, .leftOut: lacking.append(entry)
            }
        }
        return lacking.isEmpty ? outcomes : outcomes + (await fetch(lacking))
    }

    private func version(of file: FileBody) -> VersionName {
        VersionName(file.name, moment == .now ? nil : file.sequence)
    }

    /// - Returns: of each file of the unit, in order.
    private func fetch(_ unit: [TreeEntries.Entry]) async -> [Outcome] {
        let orders = unit.map { entry in
            GroupDownload.Order(
                name: version(of: entry.file), target: .entry(folders, path: entry.path))
        }
        return zip(orders, await group.run(orders)).map { order, result in
            switch result {
            case .success(let report): .done(report)
            case .failure(let error): .failed(name: order.name.name.text, error)
            }
        }
    }
}

// MARK: What is in the folder alone

extension TreeRetrieval {
    /// Deletes what the folder has and the depot has not.
    ///
    /// - Returns: how many went.
    func removeOthers(from target: String) async throws(DepotError) -> Int {
        let mirror = try await mirror(of: target)
        var (count, folders) = (0, [UploadSource]())
        try await forEachOther(in: mirror) { others async throws(DepotError) in
            folders += others.filter(\.isFolder)
            count += try await threads.blocking { () throws(DepotError) in
                try mirror.remove(others.filter { !$0.isFolder })
            }
        }
        // When they are empty.
        return try await threads.blocking { [folders, count] () throws(DepotError) in
            count + (try mirror.remove(folders))
        }
    }

    private func mirror(of target: String) async throws(DepotError) -> LocalMirror {
        let name = try tree.named()
        return try await threads.blocking { () throws(DepotError) in
            try LocalMirror(target, prefix: name)
        }
    }

    private func forEachOther(
        in mirror: LocalMirror,
        _ body: ([UploadSource]) async throws(DepotError) -> Void
    ) async throws(DepotError) {
        var pages = NamePages(client, moment, prefix: tree.prefix)
        while let page = try await pages.next() {
            try await body(try await threads.blocking { mirror.excess(before: page) })
        }
        try await body(try await threads.blocking { mirror.excess(before: nil) })
    }

    /// Tells what would be done.
    func tell(_ target: String, deleting: Bool) async throws(DepotError) {
        var pages = NamePages(client, moment, prefix: tree.prefix)
        var (bytes, isEmpty): (UInt64, Bool) = (0, true)
        while let page = try await pages.next() {
            isEmpty = false
            let wanted = entries(of: page)
            let outcomes = try await threads.blocking { [entries] () throws(DepotError) in
                try wanted.map { entry throws(DepotError) in try entries.judge(entry) }
            }
            for case .lacking(let entry, _) in outcomes {
                guard try await isLacking(entry) else { continue }
                Output.line("would retrieve \(entry.file.name)")
                bytes.increase(by: entry.file.size)
            }
        }
        guard !isEmpty else {
            throw DepotError(.notFound, "no file has a name below it", object: tree.shown)
        }
        if deleting, (try? FileStatus(following: target).isFolder) == true {
            let mirror = try await mirror(of: target)
            try await forEachOther(in: mirror) { others async throws(DepotError) in
                for other in others {
                    Output.line("would delete \(target)/\(tree.below(other.name))")
                }
            }
        }
        Output.line("\(ByteCount(bytes)) in all; nothing was done")
    }

    /// - Parameter entry: as its size, or its size and time, tell.
    private func isLacking(_ entry: TreeEntries.Entry) async throws(DepotError) -> Bool {
        guard let comparison, entry.file.metadata.kind == .file else { return true }
        switch await comparison.compare(entry, version(of: entry.file), restoring: false) {
        case .unchanged: return false
        case .failed(_, let error): throw error
        case .lacking, .restored, .kept, .leftOut: return true
        }
    }
}

extension TreeRetrieval.Outcome {
    fileprivate func warned(_ warning: RestoreWarning?) -> Self {
        guard case .done(var report) = self, let warning else { return self }
        report.warnings.append(warning)
        return .done(report)
    }
}
