import DepotCore

// Between the look at a name and the change of it others may have changed it. So the catalog is
// told which version was looked at, and makes the change only of that; where it is another one by
// then, the conditions are judged again.

/// The file is not as the request wants it to be.
struct PreconditionFailed: Error {
    let name: FileName
}

/// A change of a name that is made only under conditions.
struct ConditionalChange: Sendable {
    /// So often is a version judged that was overtaken by the next one.
    static let roundsMax = 5

    let name: FileName
    let conditions: RequestConditions
    let catalog: any FileCatalog

    /// What the conditions come to, as the name is now.
    ///
    /// - Throws: `PreconditionFailed`.
    func expectation() async throws -> FileExpectation {
        guard conditions.restrictChanges else { return .anything }
        let file = try await catalog.known(name)
        guard conditions.permit(changing: file.map(FileVersion.init)) else {
            throw PreconditionFailed(name: name)
        }
        return file.map { .version($0.sequence) } ?? .absence
    }

    /// - Parameter change: throws `conflict` where the name is not as expected.
    /// - Throws: `PreconditionFailed`; what `change` throws.
    func make<Result>(_ change: (FileExpectation) async throws -> Result) async throws -> Result {
        for _ in 1..<Self.roundsMax {
            let expected = try await expectation()
            do {
                return try await change(expected)
            } catch let error as DepotError where error.code == .conflict && expected != .anything {
                continue
            }
        }
        return try await change(try await expectation())
    }
}
