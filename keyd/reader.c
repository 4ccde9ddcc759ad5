/*
 * keyd/reader.c - reads one message at a time and makes the digests that the holder signs.
 *
 * Input: messages that anybody wrote, by descriptor. Nothing else can be opened or reached here;
 * what a message might do to this process costs that message its signature.
 */
#include "keyd/reader.h"

#include <errno.h>
#include <poll.h>
#include <sysexits.h>
#include <unistd.h>

#include "keyd/job.h"
#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/dkim/arc.h"
#include "lib/dkim/body_hash.h"
#include "lib/ipc/socket.h"
#include "lib/mail/header.h"

enum {
    BLOCK = 65536,
    HEADER_MAX = 17 << 20, /* bytes: smtp.max_header_size and what we put before it */
    PARENTS_MAX = 8,       /* domains that are tried from an author's upwards */
    HEAP_MAX = 256 << 20,  /* bytes: that header section, and its canonical form */
};

struct work { /* one message */
    const struct reader_plan *plan;
    int channel; /* to the holder */
    int fd;
    struct keyd_sign request;
    struct strbuf header; /* `prepend`, and the content as far as its header section goes */
    uint64_t body;        /* where the content behind that begins, in the content */
    struct strbuf domain; /* that signs */
    char names_packet[JOB_PACKET_MAX];
    struct job_names names; /* borrows from names_packet */
};

/* ---- the channel ---- */

/* Waits for a packet and decodes its frame. Ends the process when the holder has gone. */
static struct slice
receive(int channel, char *packet, struct frame_header *header, int *fd)
{
    struct pollfd wait = {.fd = channel, .events = POLLIN};
    ssize_t n;

    do {
        if (poll(&wait, 1, -1) < 0 && errno != EINTR)
            _exit(EX_OSERR);
        n = ipc_socket_receive(channel, packet, JOB_PACKET_MAX, fd);
    } while (n < 0 && errno == EAGAIN);
    if (n == 0)
        _exit(EX_OK);
    if (n < FRAME_HEADER || frame_header_decode(packet, JOB_PACKET_MAX, header) < 0 ||
        header->length != (size_t)n - FRAME_HEADER)
        _exit(EX_PROTOCOL);
    return slice_make(packet + FRAME_HEADER, header->length);
}

/* The keeper tells the holder if we cannot. */
static void
send_packet(int channel, struct strbuf *packet)
{
    if (packet->overflow || write_all(channel, strbuf_slice(packet)) < 0)
        _exit(EX_OSERR);
    strbuf_free(packet);
}

static void
refuse(const struct work *w, enum keyd_result result, const char *reason)
{
    struct strbuf packet = strbuf_new(JOB_PACKET_MAX);

    (void)job_refused_encode(&packet, result, reason); /* send_packet looks */
    send_packet(w->channel, &packet);
}

/* ---- the message ---- */

static ssize_t
read_block(const struct work *w, uint64_t at, char *to, size_t want)
{
    uint64_t left = w->request.size - at;
    ssize_t n;

    if (want > left)
        want = (size_t)left;
    do
        n = pread(w->fd, to, want, (off_t)(w->request.offset + at));
    while (n < 0 && errno == EINTR);
    return n == 0 && want > 0 ? -1 : n; /* a message that is shorter than said is none */
}

/* NULL, or why not. */
static const char *
read_header(struct work *w)
{
    size_t before = w->request.prepend.len, len = 0, from = 0;
    uint64_t at = 0;

    (void)strbuf_append(&w->header, w->request.prepend); /* far below the ceiling */
    while (len == 0 && at < w->request.size) {
        char *room = strbuf_room(&w->header, BLOCK);
        ssize_t n;
        struct slice content;

        if (room == NULL)
            return "the header section is too long";
        n = read_block(w, at, room, BLOCK);
        if (n < 0)
            return "";
        strbuf_grew(&w->header, (size_t)n);
        at += (uint64_t)n;
        content = slice_sub(strbuf_slice(&w->header), before, w->header.len);
        len = header_section_len(content, from);
        from = content.len;
    }
    w->body = len > 0 ? len : at; /* no empty line: all of it is header */
    strbuf_truncate(&w->header, before + (size_t)w->body);
    return NULL;
}

/* 0, or -1: it cannot be read. */
static int
hash_body(const struct work *w, unsigned char hash[DKIM_DIGEST])
{
    return dkim_body_hash(w->fd, (off_t)(w->request.offset + w->body), w->request.size - w->body,
                          false, hash);
}

/* ---- whose signature ---- */

/* Has `domain` keys? Then it is the one that signs. */
static bool
ask(struct work *w, struct slice domain)
{
    struct strbuf packet = strbuf_new(JOB_PACKET_MAX);
    struct frame_header header = {0};
    struct slice payload;
    int fd = -1;

    (void)job_ask_encode(&packet, domain); /* send_packet looks */
    send_packet(w->channel, &packet);
    payload = receive(w->channel, w->names_packet, &header, &fd);
    if (fd >= 0 || header.type != JOB_NAMES || job_names_decode(payload, &w->names) < 0)
        _exit(EX_PROTOCOL);
    for (int i = 0; i < DKIM_ALGORITHMS; i++)
        if (w->names.selectors[i].len > 0)
            return true;
    return false;
}

/* Makes the domain of an address w->domain. False: it has none. */
static bool
take_domain(struct work *w, struct slice address)
{
    size_t at = slice_rindex(address, '@');

    strbuf_clear(&w->domain);
    return at < address.len &&
           canonical_domain(slice_sub(address, at + 1, address.len), &w->domain) == 0;
}

/* Or one of those above it: a host's mail may carry the signature of its organisation (RFC 6376
 * section 2.5 leaves the choice, and DMARC takes that one). */
static bool
ask_upwards(struct work *w, struct slice domain)
{
    for (unsigned i = 0; i < PARENTS_MAX && slice_index(domain, '.') < domain.len; i++) {
        if (ask(w, domain)) {
            strbuf_consume(&w->domain, w->domain.len - domain.len);
            return true;
        }
        (void)slice_split(&domain, '.');
    }
    return false;
}

/* The author's domain signs, else the sender's. A user of one domain of this server must not get
 * another's signature by what they write into From. */
static bool
find_signer(struct work *w)
{
    struct slice user = w->request.user;

    if (user.len == 0 || !w->plan->own_domain_only) {
        strbuf_clear(&w->domain);
        if (dkim_author_domain(strbuf_slice(&w->header), &w->domain) &&
            ask_upwards(w, strbuf_slice(&w->domain)))
            return true;
    }
    return take_domain(w, user.len > 0 ? user : w->request.sender) &&
           ask(w, strbuf_slice(&w->domain));
}

/* ---- one job ---- */

static void
send_digests(const struct work *w, const struct dkim_header *header, const unsigned char *body_hash)
{
    struct strbuf fields[DKIM_ALGORITHMS], packet = strbuf_new(JOB_PACKET_MAX);
    unsigned char digests[DKIM_ALGORITHMS][DKIM_DIGEST];
    struct job_digests out = {0};

    for (int i = 0; i < DKIM_ALGORITHMS; i++) {
        struct dkim_signer signer = {.domain = strbuf_slice(&w->domain),
                                     .selector = w->names.selectors[i],
                                     .algorithm = (enum dkim_algorithm)i,
                                     .time_s = clock_real_ms() / 1000};

        fields[i] = strbuf_new(DKIM_FIELD_MAX);
        if (signer.selector.len == 0 ||
            dkim_field_make(&signer, header, body_hash, &fields[i], digests[i]) < 0)
            continue;
        out.of[i].field = strbuf_slice(&fields[i]);
        out.of[i].digest = slice_make(digests[i], DKIM_DIGEST);
    }
    (void)job_digests_encode(&packet, &out); /* send_packet looks */
    send_packet(w->channel, &packet);
    for (int i = 0; i < DKIM_ALGORITHMS; i++)
        strbuf_free(&fields[i]);
}

/* ---- an ARC set ---- */

/* Has the holder sign the message signature. False: it does not, and the job is over. */
static bool
sign_part(struct work *w, struct slice field, const unsigned char *digest, struct strbuf *whole)
{
    struct strbuf packet = strbuf_new(JOB_PACKET_MAX);
    struct job_part part = {.field = field, .digest = slice_make(digest, DKIM_DIGEST)};
    struct frame_header header = {0};
    struct slice payload, signed_field;
    int fd = -1;

    (void)job_part_encode(&packet, &part); /* send_packet looks */
    send_packet(w->channel, &packet);
    payload = receive(w->channel, w->names_packet, &header, &fd);
    if (fd >= 0 || header.type != JOB_SIGNED || job_signed_decode(payload, &signed_field) < 0)
        _exit(EX_PROTOCOL);
    return signed_field.len > 0 && strbuf_append(whole, signed_field);
}

static void
send_seal(const struct work *w, struct slice field, const unsigned char *digest, struct slice below)
{
    struct strbuf packet = strbuf_new(JOB_PACKET_MAX);
    struct job_part part = {
        .is_last = true, .field = field, .digest = slice_make(digest, DKIM_DIGEST), .below = below};

    (void)job_part_encode(&packet, &part); /* send_packet looks */
    send_packet(w->channel, &packet);
}

/* RFC 8617 section 5.1. `set` gets the message signature and the results, in this order. */
static void
make_set(struct work *w, const struct arc_chain *chain, const struct dkim_header *header,
         const unsigned char *body_hash)
{
    struct strbuf field = strbuf_new(DKIM_FIELD_MAX), results = strbuf_new(DKIM_FIELD_MAX);
    struct strbuf set = strbuf_new((size_t)2 * DKIM_FIELD_MAX),
                  domain = strbuf_new(CANONICAL_DOMAIN_MAX);
    struct strbuf selector = strbuf_new(DKIM_NAME_MAX);
    bool copied = strbuf_append(&domain, strbuf_slice(&w->domain)) &&
                  strbuf_append(&selector, w->names.selectors[DKIM_RSA_SHA256]);
    struct dkim_signer signer = {.domain = strbuf_slice(&domain),
                                 .selector = strbuf_slice(&selector),
                                 .algorithm = DKIM_RSA_SHA256,
                                 .time_s = clock_real_ms() / 1000,
                                 .instance = chain->count + 1};
    unsigned char digest[DKIM_DIGEST];

    if (!copied || !arc_results_make(signer.instance, w->request.results, &results) ||
        dkim_field_make(&signer, header, body_hash, &field, digest) < 0) {
        refuse(w, KEYD_UNSIGNABLE, "the set is too long");
    } else if (sign_part(w, strbuf_slice(&field), digest, &set)) {
        strbuf_clear(&field);
        if (arc_seal_make(chain, (enum arc_cv)w->request.cv, &signer, strbuf_slice(&results),
                          strbuf_slice(&set), &field, digest) < 0)
            refuse(w, KEYD_UNSIGNABLE, "the chain is too long");
        else if (!strbuf_append(&set, strbuf_slice(&results)))
            refuse(w, KEYD_UNSIGNABLE, "the set is too long");
        else
            send_seal(w, strbuf_slice(&field), digest, strbuf_slice(&set));
    }
    strbuf_free(&field);
    strbuf_free(&results);
    strbuf_free(&set);
    strbuf_free(&domain);
    strbuf_free(&selector);
}

static const char *
check_chain(const struct work *w, const struct arc_chain *chain)
{
    if (chain->ended)
        return "the chain has been broken before"; /* section 5.1, step 2 */
    if (chain->count == ARC_SETS_MAX)
        return "the chain has no place for another set";
    if (w->request.cv == ARC_PASS && (chain->count == 0 || chain->trouble != NULL))
        return "there is no such chain";
    return NULL;
}

static void
seal_message(struct work *w)
{
    struct arc_chain chain;
    unsigned char body_hash[DKIM_DIGEST];
    struct dkim_header header;
    const char *why;

    arc_collect(strbuf_slice(&w->header), &chain);
    why = check_chain(w, &chain);
    if (why != NULL) {
        refuse(w, KEYD_UNSIGNABLE, why);
        return;
    }
    if (!take_domain(w, w->request.user) || !ask(w, strbuf_slice(&w->domain)) ||
        w->names.selectors[DKIM_RSA_SHA256].len == 0) {
        refuse(w, KEYD_NO_KEY, "there is no RSA key for the domain that sends it on");
        return;
    }
    why = dkim_header_choose(strbuf_slice(&w->header), &w->plan->seal_list, &header);
    if (why != NULL)
        refuse(w, KEYD_UNSIGNABLE, why);
    else if (hash_body(w, body_hash) < 0)
        refuse(w, KEYD_LATER, "the message cannot be read");
    else
        make_set(w, &chain, &header, body_hash);
    dkim_header_free(&header);
}

static void
digest_message(struct work *w)
{
    unsigned char body_hash[DKIM_DIGEST];
    struct dkim_header header;
    const char *why = read_header(w);

    if (why != NULL) {
        refuse(w, why[0] == '\0' ? KEYD_LATER : KEYD_UNSIGNABLE,
               why[0] == '\0' ? "the message cannot be read" : why);
        return;
    }
    if (w->request.seal) {
        seal_message(w);
        return;
    }
    if (!find_signer(w)) {
        refuse(w, KEYD_NO_KEY, "there is no key for the message's domain");
        return;
    }
    why = dkim_header_choose(strbuf_slice(&w->header), &w->plan->list, &header);
    if (why != NULL)
        refuse(w, KEYD_UNSIGNABLE, why);
    else if (hash_body(w, body_hash) < 0)
        refuse(w, KEYD_LATER, "the message cannot be read");
    else
        send_digests(w, &header, body_hash);
    dkim_header_free(&header);
}

static void
work(void *arg, int channel)
{
    static char packet[JOB_PACKET_MAX];
    static struct work w;

    for (;;) {
        struct frame_header header = {0};
        struct slice payload;

        w = (struct work){.plan = arg, .channel = channel, .fd = -1};
        payload = receive(channel, packet, &header, &w.fd);
        if (header.type != KEYD_SIGN || keyd_sign_decode(payload, &w.request) < 0 || w.fd < 0)
            _exit(EX_PROTOCOL);
        w.header = strbuf_new(HEADER_MAX);
        w.domain = strbuf_new(CANONICAL_DOMAIN_MAX);
        digest_message(&w);
        strbuf_free(&w.header);
        strbuf_free(&w.domain);
        close_keep_errno(w.fd);
    }
}

void
readers_start(const struct daemon *d, const struct reader_plan *plan, int fds[KEEPER_WORKERS_MAX])
{
    struct reader_plan own = *plan;
    struct strbuf lost = strbuf_new(JOB_PACKET_MAX);
    struct keeper_plan keeper = {
        .keeper_role = "reader keeper",
        .worker_role = "reader",
        .box = daemon_sandbox_base(d, USERS_KEY),
        .width = plan->width,
        .work = work,
        .arg = &own,
    };

    assert_always(job_lost_encode(&lost) == 0);
    keeper.lost = strbuf_slice(&lost);
    keeper.box.heap_max = HEAP_MAX;
    keeper_start(d, &keeper, fds);
    strbuf_free(&lost);
}
