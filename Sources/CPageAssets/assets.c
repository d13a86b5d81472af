#include "CPageAssets.h"

// A file that is added to the page's assets is added here, twice. The compiler sees when one has changed.

static const unsigned char index_mustache[] = {
#embed "../DepotPage/Assets/index.mustache"
};

static const unsigned char page_css[] = {
#embed "../DepotPage/Assets/page.css"
};

static const unsigned char icon_svg[] = {
#embed "../DepotPage/Assets/icon.svg"
};

static const unsigned char app_js[] = {
#embed "../DepotPage/Assets/app.js"
};

static const unsigned char api_js[] = {
#embed "../DepotPage/Assets/api.js"
};

static const unsigned char attention_js[] = {
#embed "../DepotPage/Assets/attention.js"
};

static const unsigned char chunks_js[] = {
#embed "../DepotPage/Assets/chunks.js"
};

static const unsigned char deposit_js[] = {
#embed "../DepotPage/Assets/deposit.js"
};

static const unsigned char dialogs_js[] = {
#embed "../DepotPage/Assets/dialogs.js"
};

static const unsigned char dom_js[] = {
#embed "../DepotPage/Assets/dom.js"
};

static const unsigned char file_js[] = {
#embed "../DepotPage/Assets/file.js"
};

static const unsigned char files_js[] = {
#embed "../DepotPage/Assets/files.js"
};

static const unsigned char format_js[] = {
#embed "../DepotPage/Assets/format.js"
};

static const unsigned char live_js[] = {
#embed "../DepotPage/Assets/live.js"
};

static const unsigned char overview_js[] = {
#embed "../DepotPage/Assets/overview.js"
};

static const unsigned char picture_js[] = {
#embed "../DepotPage/Assets/picture.js"
};

static const unsigned char plots_js[] = {
#embed "../DepotPage/Assets/plots.js"
};

static const unsigned char preview_js[] = {
#embed "../DepotPage/Assets/preview.js"
};

static const unsigned char session_js[] = {
#embed "../DepotPage/Assets/session.js"
};

static const unsigned char versions_js[] = {
#embed "../DepotPage/Assets/versions.js"
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
    ASSET("overview.js", overview_js),
    ASSET("picture.js", picture_js),
    ASSET("plots.js", plots_js),
    ASSET("preview.js", preview_js),
    ASSET("session.js", session_js),
    ASSET("versions.js", versions_js),
};

size_t depot_page_asset_count(void) { return sizeof assets / sizeof assets[0]; }

struct depot_page_asset depot_page_asset_at(size_t index) { return assets[index]; }
