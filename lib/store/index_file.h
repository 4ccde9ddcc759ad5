/*
 * lib/store/index_file.h - posthorn.index: a view written down, so that opening costs the tail.
 *
 * Disposable: it stands for the journal up to one offset of one generation, and whoever doubts it
 * reads the journal. Written as a whole (temporary file, flush, rename), mapped by all sessions.
 */
#ifndef POSTHORN_LIB_STORE_INDEX_FILE_H
#define POSTHORN_LIB_STORE_INDEX_FILE_H

#include "lib/store/view.h"

#define INDEX_NAME "posthorn.index"

/* Puts the folder's index under the empty view `v`. -1: none that fits a journal of `size` bytes.
 */
int index_file_map(struct view *v, const struct journal *j, uint64_t size);
/* Writes `v` down as the folder's index. -1 with errno: the old one stays. */
int index_file_write(struct view *v, const struct journal *j);
/* Which journal the folder's index is of, if its header checks out: for repairs. */
int index_file_identity(int dirfd, uint32_t *generation, uint32_t *uidvalidity);
/* True when a tail this long is worth a new index. */
bool index_file_due(const struct view *v);

#endif
