/*
 * keyd/tls_files.h - which files hold the TLS keys: tls.key, and NAME.key of every server's
 * certificate NAME.crt in etc/certs. Opens them as root; reads certificates, but never a key.
 */
#ifndef POSTHORN_KEYD_TLS_FILES_H
#define POSTHORN_KEYD_TLS_FILES_H

#include "lib/ipc/tls_key.h"
#include "lib/sys/daemon.h"

#define TLS_FILES_MAX 500 /* each is a descriptor */

struct tls_file {
    char *path;
    int fd;                       /* of the key, read-only */
    unsigned char id[TLS_KEY_ID]; /* of the key that the certificate wants */
    bool required;                /* without it no service has TLS */
};

struct tls_files {
    struct tls_file items[TLS_FILES_MAX];
    size_t count;
};

/* Exits with a message if the key or the certificate of the settings can't be opened; others that
 * can't are logged and left out. */
void tls_files_open(struct tls_files *files, const struct daemon *d);
void tls_files_close(struct tls_files *files);

#endif
