import DepotCore
import DepotWire
import Glibc
import Synchronization

import struct SystemPackage.FilePath

// Of a tree only files that are not there yet have content to be fetched. Folders are made before
// anything is put into them, and get their modes and times when all of it is there. Further names of
// a file are made when the first one is whole.

/// What of a tree is restored without fetching content. Its functions may block.
public final class TreeEntries: Sendable {
    /// What becomes of something that is there already.
    public enum Overwriting: String, Sendable, CaseIterable {
        case always
        /// Unless size and time are those that the depot has, or the content is, where that is
        /// compared.
        case ifChanged = "if-changed"
        /// Where what the depot has is newer.
        case ifNewer = "if-newer"
        case never
    }

    public struct Entry: Sendable {
        public let file: FileBody
        /// Below the root; empty for the root itself.
        public let path: FilePath

        public init(_ file: FileBody, at path: FilePath) {
            self.file = file
            self.path = path
        }
    }

    public enum Outcome: Sendable {
        case restored(FileBody, [RestoreWarning])
        /// It was there as the depot has it.
        case unchanged(FileBody, [RestoreWarning])
        /// It was there, and was not to be replaced.
        case kept(FileBody)
        /// It has no content, and cannot be made here.
        case leftOut(FileBody, RestoreWarning)
        case failed(FileName, DepotError)
        /// Its content is to be fetched.
        ///
        /// - Parameter warning: why it is not another name of a file that is there.
        case lacking(Entry, RestoreWarning? = nil)
    }

    /// The first of several names of one file.
    private struct FirstName {
        let name: FileName
        let path: FilePath
        let manifest: ManifestReference
        var isThere = false
    }

    private struct State {
        /// Folders that are being filled, in order of name.
        var folders: [Entry] = []
        var links: [Entry] = []
        var firstNames: [HardLinkID: FirstName] = [:]
    }

    /// Folders and names that wait: some 400 bytes each. Beyond, what is complete is finished first.
    public static let waitingMax = 20_000
    /// Beyond, further names become files of their own.
    private static let firstNamesMax = 500_000

    let folders: FolderTree
    private let overwriting: Overwriting
    private let comparesContent: Bool
    let attributes: FileAttributes
    private let syncing: DiskSync
    private let state = Mutex(State())

    /// - Parameter comparesContent: whether a file that is there is the same only where its content
    ///   is: it is `lacking` until a `ContentComparison` has read it.
    public convenience init(
        _ folders: FolderTree, overwriting: Overwriting, restoring options: RestoreOptions,
        comparesContent: Bool = false
    ) {
        self.init(
            folders, overwriting: overwriting, comparesContent: comparesContent,
            attributes: FileAttributes(options: options))
    }

    init(
        _ folders: FolderTree, overwriting: Overwriting, comparesContent: Bool = false,
        attributes: FileAttributes, syncing: DiskSync = .system
    ) {
        self.folders = folders
        self.overwriting = overwriting
        self.comparesContent = comparesContent
        self.attributes = attributes
        self.syncing = syncing
    }

    public var isFull: Bool {
        state.withLock { $0.folders.count + $0.links.count >= Self.waitingMax }
    }

    // MARK: In order of name

    /// Restores what has no content, and finds out what is there already.
    ///
    /// - Parameter entries: in order of name, behind those of earlier calls.
    /// - Returns: in no order; nothing of what is finished later.
    public func take(_ entries: [Entry]) -> [Outcome] {
        inStretches(entries) { entry, touched throws(DepotError) in try take(entry, &touched) }
    }

    /// Deals with entries one by one, and makes durable what was changed in folders, a few of these at
    /// a time: each takes a descriptor.
    private func inStretches(
        _ entries: [Entry],
        _ body: (Entry, inout [FilePath: OpenFolder]) throws(DepotError) -> Outcome?
    ) -> [Outcome] {
        var all: [Outcome] = []
        var (outcomes, touched) = ([Outcome](), [FilePath: OpenFolder]())
        func settle() {
            sync(Array(touched.values), &outcomes)
            all += outcomes
            (outcomes, touched) = ([], [:])
        }
        for entry in entries {
            do throws(DepotError) {
                if let outcome = try body(entry, &touched) { outcomes.append(outcome) }
            } catch {
                outcomes.append(.failed(entry.file.name, error))
            }
            if touched.count >= Descriptors.filesAtOnce { settle() }
        }
        settle()
        return all
    }

    /// What `take` would do, and the rest; nothing is done.
    public func judge(_ entry: Entry) throws(DepotError) -> Outcome {
        guard let status = try folders.status(entry.path) else { return .lacking(entry) }
        let (file, kind) = (entry.file, FileKind(mode: status.st_mode))
        switch file.metadata.kind {
        case .folder: return kind == .folder ? .unchanged(file, []) : .lacking(entry)
        case .link(let target):
            if keeps(status, instead: file) { return .kept(file) }
            let isSame = kind == .link && folders.target(of: entry.path) == target
            return isSame ? .unchanged(file, []) : .lacking(entry)
        case .special(let special):
            if keeps(status, instead: file) { return .kept(file) }
            return SpecialFile(status) == special ? .unchanged(file, []) : .lacking(entry)
        case .file:
            if keeps(status, instead: file) { return .kept(file) }
            let isSame = takesForSame && Self.isSame(status, as: file)
            return isSame ? .unchanged(file, []) : .lacking(entry)
        }
    }

    private func take(
        _ entry: Entry, _ touched: inout [FilePath: OpenFolder]
    ) throws(DepotError) -> Outcome? {
        let metadata = entry.file.metadata
        if metadata.kind == .folder {
            try folders.enter(entry.path)
            state.withLock { $0.folders.append(entry) }
            return nil
        }
        let status = try folders.status(entry.path)
        if let status, keeps(status, instead: entry.file) { return .kept(entry.file) }
        switch metadata.kind {
        case .file, .folder: break
        case .link(let target): return try makeLink(entry, to: target, over: status, &touched)
        case .special(let special):
            return try makeSpecial(entry, special, over: status, &touched)
        }
        if let links = metadata.hardLinks, let waits = further(entry, links, over: status) {
            return waits
        }
        guard takesForSame, let status, Self.isSame(status, as: entry.file),
            let warnings = try restoreAgain(entry, status)
        else { return .lacking(entry) }
        done(entry.file)
        return .unchanged(entry.file, warnings)
    }

    /// Whether what is there is not to be touched.
    private func keeps(_ status: stat, instead file: FileBody) -> Bool {
        switch overwriting {
        case .always, .ifChanged: return false
        case .never: return true
        case .ifNewer:
            guard let there = FileTime(status.st_mtim), let modified = file.metadata.modified
            else { return false }
            return there >= modified
        }
    }

    /// Whether size and time tell that a file is the same.
    private var takesForSame: Bool { overwriting == .ifChanged && !comparesContent }

    private static func isSame(_ status: stat, as file: FileBody) -> Bool {
        guard FileKind(mode: status.st_mode) == .file, let modified = file.metadata.modified,
            let there = FileTime(status.st_mtim)
        else { return false }
        return UInt64(clamping: status.st_size) == file.size && there == modified
    }

    /// A file whose content is there may lack a mode, a time or attributes.
    ///
    /// - Returns: `nil` where it is to be fetched. Nobody has read what it holds: it gets no other
    ///   owner, no rights of an owner, and nothing where it has other names, which may lie anywhere.
    private func restoreAgain(
        _ entry: Entry, _ status: stat
    ) throws(DepotError) -> [RestoreWarning]? {
        let (folder, name) = try folders.folder(of: entry.path)
        let descriptor = folder.open(FilePath(name), O_RDONLY | O_NONBLOCK)
        // Whoever may not read it could not tell what it lacks.
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var opened = stat()
        guard fstat(descriptor, &opened) == 0,
            (opened.st_dev, opened.st_ino) == (status.st_dev, status.st_ino),
            FileKind(mode: opened.st_mode) == .file
        else { return nil }
        return restoreAgain(entry.file.metadata, descriptor, opened)
    }

    func restoreAgain(
        _ metadata: FileMetadata, _ descriptor: Int32, _ status: stat
    ) -> [RestoreWarning]? {
        let isRestored = attributes.isRestored(metadata, descriptor, status)
        let hasTime = metadata.modified.map { FileTime(status.st_mtim) == $0 } ?? true
        if isRestored, hasTime { return [] }
        let isShared = status.st_nlink > 1 && metadata.hardLinks == nil
        let hasPrivileges = (metadata.mode ?? 0) & 0o6000 != 0
        // A time alone gives nobody any rights.
        let isHarmless =
            isRestored || !hasPrivileges && attributes.hasOwner(metadata, status)
        guard !isShared, isHarmless else { return nil }
        return attributes.restore(metadata, to: descriptor)
    }

    // MARK: Further names of a file

    /// - Returns: `nil` where it is the first name of its file; nothing inside where it waits.
    private func further(_ entry: Entry, _ links: HardLinkID, over status: stat?) -> Outcome?? {
        state.withLock { state in
            guard let first = state.firstNames[links] else {
                if state.firstNames.count < Self.firstNamesMax {
                    state.firstNames[links] = FirstName(
                        name: entry.file.name, path: entry.path, manifest: entry.file.manifest)
                }
                return .none
            }
            // Somebody has given the name another content since.
            guard first.manifest == entry.file.manifest else { return .none }
            state.links.append(entry)
            return .some(.none)
        }
    }

    /// To be told of each file that is whole under its name.
    public func done(_ file: FileBody) {
        guard let links = file.metadata.hardLinks else { return }
        state.withLock { state in
            guard let first = state.firstNames[links], first.name == file.name,
                first.manifest == file.manifest
            else { return }
            state.firstNames[links]?.isThere = true
        }
    }

    /// Makes the names that wait for others which are there.
    ///
    /// - Parameter isLast: whether no file comes any more: names whose first one is not there are
    ///   to be fetched by themselves.
    public func finishLinks(isLast: Bool) -> [Outcome] {
        let (waiting, firstNames) = state.withLock { state in
            let isReady = { (entry: Entry) in
                isLast
                    || entry.file.metadata.hardLinks.flatMap { state.firstNames[$0] }?.isThere
                        ?? true
            }
            let ready = state.links.filter(isReady)
            state.links.removeAll(where: isReady)
            return (ready, state.firstNames)
        }
        return inStretches(waiting) { entry, touched throws(DepotError) in
            guard let links = entry.file.metadata.hardLinks, let first = firstNames[links],
                first.isThere
            else { return .lacking(entry) }
            return try link(entry, to: first.path, &touched)
        }
    }

    private func link(
        _ entry: Entry, to first: FilePath, _ touched: inout [FilePath: OpenFolder]
    ) throws(DepotError) -> Outcome {
        let (source, sourceName) = try folders.folder(of: first)
        let (folder, name) = try folders.folder(of: entry.path)
        guard let wanted = source.status(FilePath(sourceName)),
            FileKind(mode: wanted.st_mode) == .file,
            UInt64(clamping: wanted.st_size) == entry.file.size
        else { return .lacking(entry) }
        if let there = folder.status(FilePath(name)),
            (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino)
        {
            return .unchanged(entry.file, [])
        }
        try folder.requireReplaceable(name)
        let fresh = FilePath(PartFile.freshName())
        let linked = sourceName.withPlatformString { old in
            fresh.withPlatformString { linkat(source.descriptor, old, folder.descriptor, $0, 0) }
        }
        // Too many names, or a file system without any.
        guard linked == 0 else { return .lacking(entry, .linkBroken(errno)) }
        try folder.rename(fresh, to: name)
        touched[FilePath(folder.path)] = folder
        return .restored(entry.file, [])
    }

    // MARK: Folders

    /// Gives folders that are complete what the depot knows of them, the innermost first: one that
    /// is closed to its owner is passed no more.
    ///
    /// - Parameter next: the first name that is still to come; `nil` at the end.
    public func finishFolders(before next: FileName?) -> [Outcome] {
        let complete = state.withLock { state in
            let isComplete = { (entry: Entry) in
                guard let next = next?.text.utf8 else { return true }
                let content = "\(entry.file.name)/".utf8
                return content.lexicographicallyPrecedes(next) && !next.starts(with: content)
            }
            let complete = state.folders.filter(isComplete)
            state.folders.removeAll(where: isComplete)
            return complete
        }
        var outcomes: [Outcome] = []
        for stretch in complete.reversed().batches(
            sizeMax: Descriptors.filesAtOnce, size: { _ in 1 })
        {
            var opened: [OpenFolder] = []
            for entry in stretch {
                do throws(DepotError) {
                    let folder = try folders.opened(entry.path)
                    if isRestored(folder, as: entry.file) {
                        outcomes.append(.unchanged(entry.file, []))
                        continue
                    }
                    opened.append(folder)
                    let warnings = attributes.restore(entry.file.metadata, to: folder.descriptor)
                    outcomes.append(.restored(entry.file, warnings))
                } catch {
                    outcomes.append(.failed(entry.file.name, error))
                }
            }
            sync(opened, &outcomes)
        }
        return outcomes
    }

    private func isRestored(_ folder: OpenFolder, as file: FileBody) -> Bool {
        var status = stat()
        guard let modified = file.metadata.modified, fstat(folder.descriptor, &status) == 0 else {
            return false
        }
        return FileTime(status.st_mtim) == modified
            && attributes.isRestored(file.metadata, folder.descriptor, status)
    }

    // MARK: Durability

    private func sync(_ folders: [OpenFolder], _ outcomes: inout [Outcome]) {
        guard !folders.isEmpty else { return }
        do throws(DepotError) {
            if try syncing.folders(folders) { return }
            outcomes = outcomes.map { outcome in
                guard case .restored(let file, let warnings) = outcome else { return outcome }
                return .restored(file, warnings + [.notDurable])
            }
        } catch {
            outcomes = outcomes.map { outcome in
                guard case .restored(let file, _) = outcome else { return outcome }
                return .failed(file.name, error)
            }
        }
    }
}
