import DepotCore
import Mustache

extension PageAsset {
    /// The page's markup: everything else is made in the browser, node by node.
    ///
    /// - Throws: `internalError` where the template is none.
    public static func page(version: String, cluster: String) throws(DepotError) -> PageAsset {
        let source = try source("index.mustache")
        do {
            let template = try MustacheTemplate(
                string: String(decoding: source.bytes, as: UTF8.self))
            let text = template.render([
                "version": version, "cluster": cluster, "clusterShort": String(cluster.prefix(8)),
            ])
            return PageAsset(
                name: "", type: "text/html; charset=utf-8", bytes: Array(text.utf8))
        } catch {
            throw DepotError(
                .internalError, "the page's template is wrong: \(error)", object: source.name)
        }
    }
}
