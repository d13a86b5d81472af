import DepotCore
import DepotWire
import HTTPTypes

extension HTTPFields {
    /// Has a browser take content for content: whatever somebody has deposited, it is no page of
    /// this server's, runs nothing, loads nothing and is shown in nobody's frame.
    mutating func keepFromRunning(as name: FileName) {
        self[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'; sandbox"
        self[.contentDisposition] = Self.attachment(name)
        self[.xContentTypeOptions] = "nosniff"
        self[own: .resourcePolicy] = "same-origin"
    }

    /// The last part of the name, as RFC 6266 and RFC 8187 write it.
    private static func attachment(_ name: FileName) -> String {
        // Of bytes: a slash is one whatever stands behind it.
        let last = name.text.utf8.split(separator: UInt8(ascii: "/")).last.map { Substring($0) }
        return "attachment; filename*=UTF-8''\(PercentEncoding.encode(last ?? ""))"
    }
}
