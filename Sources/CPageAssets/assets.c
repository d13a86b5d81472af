#include "CPageAssets.h"

// A file that is added to the assets is added here, twice. The compiler sees when one has changed. `#embed` is of C23: the
// compiler has it, and warns because the package's other C is older.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_mustache[] = {
#embed "Assets/index.mustache"
};

static const unsigned char page_css[] = {
#embed "Assets/page.css"
};

static const unsigned char icon_svg[] = {
#embed "Assets/icon.svg"
};

static const unsigned char app_js[] = {
#embed "Assets/app.js"
};

static const unsigned char api_js[] = {
#embed "Assets/api.js"
};

static const unsigned char attention_js[] = {
#embed "Assets/attention.js"
};

static const unsigned char chunks_js[] = {
#embed "Assets/chunks.js"
};

static const unsigned char deposit_js[] = {
#embed "Assets/deposit.js"
};

static const unsigned char dialogs_js[] = {
#embed "Assets/dialogs.js"
};

static const unsigned char dom_js[] = {
#embed "Assets/dom.js"
};

static const unsigned char file_js[] = {
#embed "Assets/file.js"
};

static const unsigned char files_js[] = {
#embed "Assets/files.js"
};

static const unsigned char format_js[] = {
#embed "Assets/format.js"
};

static const unsigned char live_js[] = {
#embed "Assets/live.js"
};

static const unsigned char overview_js[] = {
#embed "Assets/overview.js"
};

static const unsigned char picture_js[] = {
#embed "Assets/picture.js"
};

static const unsigned char plots_js[] = {
#embed "Assets/plots.js"
};

static const unsigned char preview_js[] = {
#embed "Assets/preview.js"
};

static const unsigned char session_js[] = {
#embed "Assets/session.js"
};

static const unsigned char versions_js[] = {
#embed "Assets/versions.js"
};

static const unsigned char openapi_yaml[] = {
#embed "Assets/openapi.yaml"
};

#define ASSET(name, symbol) {name, symbol, sizeof symbol}

static const struct depot_page_asset assets[] = {
    ASSET("index.mustache", index_mustache),
    ASSET("page.css", page_css),
    ASSET("icon.svg", icon_svg),
    ASSET("app.js", app_js),
    ASSET("api.js", api_js),
    ASSET("attention.js", attention_js),
    ASSET("chunks.js", chunks_js),
    ASSET("deposit.js", deposit_js),
    ASSET("dialogs.js", dialogs_js),
    ASSET("dom.js", dom_js),
    ASSET("file.js", file_js),
    ASSET("files.js", files_js),
    ASSET("format.js", format_js),
    ASSET("live.js", live_js),
    ASSET("openapi.yaml", openapi_yaml),
    ASSET("overview.js", overview_js),
    ASSET("picture.js", picture_js),
    ASSET("plots.js", plots_js),
    ASSET("preview.js", preview_js),
    ASSET("session.js", session_js),
    ASSET("versions.js", versions_js),
};

size_t depot_page_asset_count(void) { return sizeof assets / sizeof assets[0]; }

struct depot_page_asset depot_page_asset_at(size_t index) { return assets[index]; }
