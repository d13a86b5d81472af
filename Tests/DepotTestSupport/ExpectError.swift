import DepotCore
import Testing

/// Fails the test unless `body` throws a `DepotError` with this code.
///
/// - Returns: the error, for those who look at more of it.
@discardableResult
public func expectError(
    _ code: DepotError.Code, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Void
) async -> DepotError? {
    do {
        try await body()
        Issue.record(
            "expected \(code), nothing was thrown; \(comment ?? "")",
            sourceLocation: sourceLocation)
    } catch let error as DepotError {
        #expect(error.code == code, "\(error); \(comment ?? "")", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record(
            "expected \(code), found \(error); \(comment ?? "")", sourceLocation: sourceLocation)
    }
    return nil
}
