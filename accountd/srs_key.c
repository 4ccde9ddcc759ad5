/*
 * accountd/srs_key.c - the key of the senders that forwarded mail gets.
 *
 * A file of our own, which nobody else reads. A new one takes effect at the next start; bounces of
 * what was forwarded before are refused then.
 */
#include "accountd/srs_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"
#include "lib/log/log.h"

#define NEW_FILE SRS_KEY_FILE ".new"
#define FILE_MAX_BYTES 256

static int
write_new(const struct strbuf *text)
{
    int fd = open(NEW_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

    if (fd >= 0 && dir >= 0 && write_all(fd, strbuf_slice(text)) == 0 && fsync(fd) == 0 &&
        rename(NEW_FILE, SRS_KEY_FILE) == 0)
        rc = fsync(dir);
    close_keep_errno(fd);
    close_keep_errno(dir);
    return rc;
}

static int
make(struct strbuf *text)
{
    unsigned char bytes[SRS_KEY_SIZE];
    int rc;

    strbuf_clear(text);
    random_bytes(bytes, sizeof(bytes));
    (void)hex_encode(slice_make(bytes, sizeof(bytes)), text); /* they fit */
    (void)strbuf_char(text, '\n');
    mem_wipe(bytes, sizeof(bytes));
    rc = write_new(text);
    if (rc == 0)
        log_event(LOG_INFO, "srs_key_made", KV_STR("file", SRS_KEY_FILE));
    return rc;
}

int
srs_key_load(struct srs_key *key)
{
    struct strbuf text = strbuf_new(FILE_MAX_BYTES), bytes = strbuf_new(FILE_MAX_BYTES);
    int rc = read_file(AT_FDCWD, SRS_KEY_FILE, &text);

    if (rc < 0 && errno == ENOENT)
        rc = make(&text);
    if (rc == 0 && (hex_decode(slice_trim(strbuf_slice(&text)), &bytes) < 0 ||
                    bytes.len != sizeof(key->bytes))) {
        errno = EBADMSG;
        rc = -1;
    }
    if (rc < 0)
        log_event(LOG_ERROR, "srs_key_unusable", KV_STR("file", SRS_KEY_FILE), KV_ERRNO(),
                  KV_STR("hint", "forwarded mail keeps its sender"));
    else
        memcpy(key->bytes, bytes.ptr, sizeof(key->bytes));
    if (text.ptr != NULL)
        mem_wipe(text.ptr, text.cap);
    if (bytes.ptr != NULL)
        mem_wipe(bytes.ptr, bytes.cap);
    strbuf_free(&text);
    strbuf_free(&bytes);
    return rc;
}
