/*
 * fuzz/fuzz_import.c - what other servers keep beside a Maildir: UIDs, names of POP3, keywords.
 *
 * Input: which files there are (bit i: file i), then each of them (u16 length and bytes), then the
 * name of a message that is asked for.
 */
// LINK: posthorn/import_keywords.c
// LINK: posthorn/import_text.c
// LINK: posthorn/import_uids.c
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "posthorn/import_keywords.h"
#include "posthorn/import_uids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const files[] = {"dovecot-uidlist", "courierimapuiddb", "courierpop3dsizelist",
                                    "dovecot-keywords", "courierimapkeywords/:list"};
static int root = -1;

static void
make_dir(void)
{
    static char path[] = "/dev/shm/fuzz-import-XXXXXX";

    if (mkdtemp(path) == NULL)
        abort();
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || mkdirat(root, "courierimapkeywords", 0700) < 0)
        abort();
}

static struct slice
take(struct slice *in, size_t len)
{
    struct slice part = slice_sub(*in, 0, len);

    *in = slice_sub(*in, part.len, in->len);
    return part;
}

static void
write_files(struct slice *in)
{
    unsigned which = (unsigned char)take(in, 1).ptr[0];

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct slice head;
        uint16_t len = 0;
        int fd;

        (void)unlinkat(root, files[i], 0);
        if ((which >> i & 1) == 0)
            continue;
        head = take(in, 2);
        memcpy(&len, head.ptr == NULL ? "" : head.ptr, head.len);
        fd = openat(root, files[i], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0 || write_all(fd, take(in, len)) < 0)
            abort();
        (void)close(fd);
    }
}

static void
check_uids(struct slice name)
{
    static const char *const formats[] = {NULL, "%v.%u", "%f", "x%08Xu"};
    struct strbuf out = strbuf_new(512);
    struct import_uids u;

    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        strbuf_clear(&out);
        import_uids_read(&u, root, ".", formats[i]);
        import_uids_pop3(&u, name, &out);
        if (import_uids_of(&u, name) != 0)
            assert_always(u.uidvalidity != 0);
        for (size_t k = 1; k < u.count; k++)
            assert_always(slice_cmp(u.list[k - 1].file, u.list[k].file) <= 0);
        import_uids_free(&u);
    }
    strbuf_free(&out);
}

static void
check_keywords(struct slice name)
{
    struct slice words[MAILBOX_KEYWORDS_MAX];
    struct import_keywords k;
    uint32_t count;

    import_keywords_read(&k, root, ".");
    count = import_keywords_of(&k, name, name, words);
    assert_always(count <= MAILBOX_KEYWORDS_MAX);
    for (uint32_t i = 0; i < count; i++)
        assert_always(words[i].len > 0 && words[i].len <= MAILBOX_KEYWORD_LEN_MAX);
    import_keywords_free(&k);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_make(data, size);
    char *format;

    if (root < 0)
        make_dir();
    if (size == 0)
        return 0;
    write_files(&in);
    check_uids(in);
    check_keywords(in);
    format = xslicedup(in);
    (void)import_uidl_format_valid(format);
    xfree(&format);
    return 0;
}
