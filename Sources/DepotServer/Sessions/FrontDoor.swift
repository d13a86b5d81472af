import DepotCore
import DepotWire

/// Lets clients in by their token, and the page by its session.
struct FrontDoor: Doorkeeper {
    let access: AccessTable
    let sessions: PageSessions
    let cookie: SessionCookie

    func judge(_ shown: Credentials) -> Admission {
        switch look(shown) {
        case .caller(let caller): .admitted(token: caller.name)
        case .refused(let reason): .refused(reason)
        }
    }

    /// Who sent a request; `nil` where nobody is let in with what it shows.
    func caller(_ shown: Credentials) -> Caller? {
        guard case .caller(let caller) = look(shown) else { return nil }
        return caller
    }

    /// A token that is shown is what counts, whatever cookie is beside it.
    private func look(_ shown: Credentials) -> AccessTable.Found {
        guard shown.authorization == nil, let session = session(shown) else {
            if shown.authorization == nil, shown.cookie.flatMap(cookie.id) != nil {
                return .refused("the session is over; sign in again")
            }
            return access.look(shown.authorization)
        }
        guard shown.isSameOrigin else {
            return .refused("a session is not for requests of other origins")
        }
        guard !shown.isChange || shown.isFromPage else {
            return .refused("a session changes nothing without '\(Credentials.pageHeader): 1'")
        }
        return access.look(session.token)
    }

    /// The session whose cookie is shown.
    func session(_ shown: Credentials) -> PageSessions.Session? {
        shown.cookie.flatMap(cookie.id).flatMap(sessions.session)
    }
}
