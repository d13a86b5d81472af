import DepotCore

/// Something of a file that did not come along, though its bytes did. Warnings change no exit code.
struct FileWarning: Encodable, Sendable, CustomStringConvertible {
    let name: FileName
    let warning: String

    var description: String { "warning: \(name): \(warning)" }
}
