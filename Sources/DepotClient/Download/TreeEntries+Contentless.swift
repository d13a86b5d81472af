import CLinux
import DepotCore
import DepotWire
import Glibc

import struct SystemPackage.FilePath

/// Entries without content that are no folders: they are made at once, or given what they lack.
extension TreeEntries {
    // MARK: Symbolic links

    func makeLink(
        _ entry: Entry, to target: LinkTarget, over status: stat?,
        _ touched: inout [FilePath: OpenFolder]
    ) throws(DepotError) -> Outcome {
        let (folder, name) = try folders.folder(of: entry.path)
        if let status, FileKind(mode: status.st_mode) == .link,
            folder.target(of: FilePath(name)) == target.platformString
        {
            let warnings = attributes.restoreLink(entry.file.metadata, name, in: folder)
            return .unchanged(entry.file, warnings)
        }
        let warnings = try attributes.makeLink(name, to: target, entry.file.metadata, in: folder)
        touched[FilePath(folder.path)] = folder
        return .restored(entry.file, warnings)
    }

    // MARK: Pipes, sockets and devices

    /// One that is there stays, so that who serves a socket is still found, unless it would be given
    /// away.
    func makeSpecial(
        _ entry: Entry, _ special: SpecialFile, over status: stat?,
        _ touched: inout [FilePath: OpenFolder]
    ) throws(DepotError) -> Outcome {
        let (folder, name) = try folders.folder(of: entry.path)
        let metadata = entry.file.metadata
        if let status, SpecialFile(status) == special,
            let warnings = restoreSpecial(FilePath(name), special, metadata, in: folder)
        {
            return .unchanged(entry.file, warnings)
        }
        let warnings = try attributes.makeSpecial(name, special, metadata, in: folder)
        if let warning = warnings.first, case .specialLeft = warning {
            return .leftOut(entry.file, warning)
        }
        touched[FilePath(folder.path)] = folder
        return .restored(entry.file, warnings)
    }

    /// - Returns: `nil` where it is to be made anew.
    private func restoreSpecial(
        _ path: FilePath, _ special: SpecialFile, _ metadata: FileMetadata, in folder: OpenFolder
    ) -> [RestoreWarning]? {
        let found = folder.open(path, Int32(DEPOT_O_PATH))
        guard found >= 0 else { return nil }
        defer { close(found) }
        var status = stat()
        guard fstat(found, &status) == 0, SpecialFile(status) == special else { return nil }
        return restoreAgain(metadata, found, status)
    }
}
