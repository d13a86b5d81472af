import DepotCore
import DepotWire

// Every request is one of these routes, and every route says here who may take it: there is no third
// way. What a request reaches is judged by the names that it has, or that its answer would have.

/// What can be asked of a FileServer. Its number is its place among all cases.
enum Route: Int, CaseIterable, Sendable {
    case health, metrics, status
    case openDeposit, negotiate, upload, barrier, commit, closeDeposit
    case openRetrieval, readChunks, closeRetrieval
    case list, info, versions, content, contentHead, put, delete, changeLevel, revert, lock
    case breakLock, purge, purgePlan
    case listPolicies, setPolicy, removePolicy
    case startVerification, verification, stopVerification, coverage, collect, proveReceipt
    case startDrain, drainStatus, stopDrain, forget, simulate
    case listTokens, createToken, rotateToken, revokeToken
    case page, asset, signIn, session, signOut
    case folder, overview, traffic, events
    case interface

    /// What a token has to reach.
    enum Reach: Sendable {
        /// The name of the path.
        case name
        /// The names of the body, or of the answer; whoever answers looks at them.
        case names
        /// Everything: it concerns the whole depot.
        case everything
    }

    /// Who may take it.
    struct Rule: Sendable {
        /// `nil`: anybody, with or without a token.
        let scope: AccessScope?
        let reach: Reach
        /// Whether it changes something, and so is noted in the audit.
        let isChange: Bool
        /// As people know it, in refusals.
        let words: String
    }

    var rule: Rule {
        switch self {
        case .health: rule(nil, .names, "health")
        case .metrics: rule(.observe, .everything, "metrics")
        case .status: rule(.observe, .everything, "status")
        case .coverage: rule(.observe, .everything, "coverage")
        case .list: rule(.read, .names, "listing")
        case .info: rule(.read, .name, "info")
        case .versions: rule(.read, .name, "listing versions")
        case .content, .contentHead: rule(.read, .name, "reading")
        case .openRetrieval, .readChunks, .closeRetrieval: rule(.read, .names, "retrieving")
        case .proveReceipt: rule(.read, .names, "proving a receipt")
        case .listPolicies: rule(.read, .names, "listing policies")
        case .openDeposit, .negotiate, .upload, .barrier, .closeDeposit:
            rule(.append, .names, "depositing")
        case .commit: rule(.append, .names, "depositing", isChange: true)
        case .put: rule(.append, .name, "depositing", isChange: true)
        case .delete: rule(.write, .name, "deleting", isChange: true)
        case .changeLevel: rule(.write, .name, "changing a level", isChange: true)
        case .revert: rule(.write, .name, "reverting", isChange: true)
        case .lock: rule(.write, .name, "locking", isChange: true)
        case .breakLock: rule(.admin, .name, "breaking a lock", isChange: true)
        case .purgePlan: rule(.admin, .name, "planning a purge")
        case .purge: rule(.admin, .name, "purging versions", isChange: true)
        case .setPolicy: rule(.admin, .everything, "setting a policy", isChange: true)
        case .removePolicy: rule(.admin, .everything, "removing a policy", isChange: true)
        case .startVerification:
            rule(.admin, .everything, "starting a verification", isChange: true)
        case .verification: rule(.read, .everything, "watching a verification")
        case .stopVerification:
            rule(.admin, .everything, "stopping a verification", isChange: true)
        case .collect: rule(.admin, .everything, "collecting", isChange: true)
        case .startDrain: rule(.admin, .everything, "draining a replica", isChange: true)
        case .drainStatus: rule(.admin, .everything, "watching a drain")
        case .stopDrain: rule(.admin, .everything, "stopping a drain", isChange: true)
        case .forget: rule(.admin, .everything, "forgetting a replica", isChange: true)
        case .simulate: rule(.admin, .everything, "simulating a loss")
        case .page, .asset: rule(nil, .names, "the page")
        case .interface: rule(nil, .names, "the interface's description")
        case .signIn: rule(.read, .names, "signing in", isChange: true)
        case .session: rule(nil, .names, "looking at a session")
        case .signOut: rule(.read, .names, "signing out", isChange: true)
        case .folder: rule(.read, .names, "listing")
        case .overview, .traffic, .events: rule(.read, .everything, "the overview")
        case .listTokens: rule(.admin, .everything, "listing tokens")
        case .createToken: rule(.admin, .everything, "making a token", isChange: true)
        case .rotateToken: rule(.admin, .everything, "rotating a token", isChange: true)
        case .revokeToken: rule(.admin, .everything, "revoking a token", isChange: true)
        }
    }

    private func rule(
        _ scope: AccessScope?, _ reach: Reach, _ words: String, isChange: Bool = false
    ) -> Rule {
        Rule(scope: scope, reach: reach, isChange: isChange, words: words)
    }

    /// - Parameters:
    ///   - caller: whoever asks.
    ///   - name: that of the path.
    /// - Throws: `unauthorized`, `forbidden`.
    func permit(_ caller: Caller, name: FileName?) throws(DepotError) {
        let rule = rule
        guard let scope = rule.scope else { return }
        guard caller != .stranger else { throw DepotError(.unauthorized, "a token is needed") }
        try caller.require(scope, to: rule.words)
        switch rule.reach {
        case .name:
            guard let name else {
                throw DepotError(.internalError, "a request for a name has none")
            }
            try caller.require(name)
        case .names: return
        case .everything: try caller.requireEverything(to: rule.words)
        }
    }
}
