/*
 * lib/sys/landlock.h - the kernel's Landlock calls, for lib/sys/sandbox alone.
 *
 * Debian 12's headers know ABI 2; the constants of newer kernels are our own and are masked by the
 * ABI that the running kernel reports.
 */
#ifndef POSTHORN_LIB_SYS_LANDLOCK_H
#define POSTHORN_LIB_SYS_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/sys/sandbox.h"

int landlock_abi(void); /* 0: the kernel has none, or it is switched off */

/* Adds a layer: from here on only what lies below `dirs` can be opened, no TCP port be bound or
 * connected to (unless `tcp_allowed`), no process outside the layer be signalled and none of its
 * abstract sockets reached (unless `abstract_allowed`), as far as the ABI goes. `same_rights`:
 * every directory gets the union of all rights, so that files may be linked and renamed across. 0
 * (also where there is no Landlock), or -1 with errno. Needs no_new_privs. */
int landlock_restrict(const struct sandbox_dir *dirs, size_t count, bool same_rights,
                      bool tcp_allowed, bool abstract_allowed);

/* Adds a layer that confines writing alone: below the `dirs` with SANDBOX_WRITE everything is as
 * before, elsewhere nothing is written, made, renamed or removed. An entry that is no directory (a
 * device) may be written too. 0 (also before ABI 2, which could not let files move between
 * directories), or -1 with errno. Needs no_new_privs. */
int landlock_confine_writes(const struct sandbox_dir *dirs, size_t count);

/* Layers that this process has put on itself or inherited. */
unsigned landlock_layers(void);

#endif
