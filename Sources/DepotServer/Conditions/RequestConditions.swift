import DepotCore
import HTTPTypes

/// What a file's version is compared by.
struct FileVersion: Sendable {
    /// With its quotes. Strong: it is the hash of what the bytes are made of.
    let tag: String
    /// Seconds since 1970, where a header can say them.
    let modified: Int64?

    init(_ file: FileEntry) {
        tag = "\"\(file.manifest.id.hex)\""
        let seconds = file.metadata.modified?.seconds ?? file.time
        modified = HTTPDate.text(seconds) == nil ? nil : seconds
    }
}

/// On what conditions a request is meant: RFC 9110, section 13. A server has to obey them or to
/// refuse the request; what cannot be read is refused.
struct RequestConditions: Sendable {
    private let ifMatch: EntityTags?
    private let ifNoneMatch: EntityTags?
    private let ifModifiedSince: Int64?
    private let ifUnmodifiedSince: Int64?

    /// - Throws: `invalidArgument` for tags that are none. Dates that are none are ignored, as the
    ///   RFC wants it.
    init(_ headers: HTTPFields) throws(DepotError) {
        ifMatch = try headers[.ifMatch].map { text throws(DepotError) in try EntityTags(text) }
        ifNoneMatch = try headers[.ifNoneMatch].map { text throws(DepotError) in
            try EntityTags(text)
        }
        ifModifiedSince = headers[.ifModifiedSince].flatMap(HTTPDate.seconds)
        ifUnmodifiedSince = headers[.ifUnmodifiedSince].flatMap(HTTPDate.seconds)
    }

    /// The same, and that there is no file of the name.
    var forAbsence: RequestConditions {
        RequestConditions(
            ifMatch: ifMatch, ifNoneMatch: .any, ifModifiedSince: ifModifiedSince,
            ifUnmodifiedSince: ifUnmodifiedSince)
    }

    private init(
        ifMatch: EntityTags?, ifNoneMatch: EntityTags?, ifModifiedSince: Int64?,
        ifUnmodifiedSince: Int64?
    ) {
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.ifModifiedSince = ifModifiedSince
        self.ifUnmodifiedSince = ifUnmodifiedSince
    }

    /// Whether there is anything that a change depends on.
    var restrictChanges: Bool { ifMatch != nil || ifNoneMatch != nil || ifUnmodifiedSince != nil }

    enum Verdict: Sendable {
        case passed
        case notModified
        case failed
    }

    /// In the order of section 13.2.2.
    func judge(reading version: FileVersion) -> Verdict {
        guard matches(version) else { return .failed }
        if let ifNoneMatch {
            return ifNoneMatch.contain(version.tag, weakly: true) ? .notModified : .passed
        }
        guard let ifModifiedSince, let modified = version.modified else { return .passed }
        return modified > ifModifiedSince ? .passed : .notModified
    }

    /// - Parameter version: `nil` where there is no file of the name.
    /// - Returns: whether the change may be made.
    func permit(changing version: FileVersion?) -> Bool {
        guard let version else { return ifMatch == nil }
        guard matches(version) else { return false }
        return !(ifNoneMatch?.contain(version.tag, weakly: true) ?? false)
    }

    private func matches(_ version: FileVersion) -> Bool {
        if let ifMatch { return ifMatch.contain(version.tag, weakly: false) }
        guard let ifUnmodifiedSince, let modified = version.modified else { return true }
        return modified <= ifUnmodifiedSince
    }
}
