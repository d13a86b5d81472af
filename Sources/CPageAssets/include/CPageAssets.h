#pragma once

#include <stddef.h>

/// A file of the page, as it was when the program was built.
struct depot_page_asset {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

size_t depot_page_asset_count(void);

/// - Parameter index: below the count.
struct depot_page_asset depot_page_asset_at(size_t index);
