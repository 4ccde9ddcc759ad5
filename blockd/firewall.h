/*
 * blockd/firewall.h - the table of ours in the host's firewall, and nothing else of it.
 *
 * Table `inet posthorn`: the ports, the sets of blocked addresses, and a chain at the input that
 * drops the first packet of a TCP connection from one of them to one of those ports. All else
 * passes on to whatever rules the host has. Each element goes by itself after
 * FIREWALL_KEEP_MS at the latest: whoever keeps them in there says so again before, and when nobody
 * does (the suite was killed, the firewall's switch is off) the block of the firewall ends.
 * Loopback addresses are never put in.
 *
 * Speaks with the kernel alone, over a netlink socket; needs CAP_NET_ADMIN in the network name
 * space, and no path. What fails has changed nothing.
 */
#ifndef POSTHORN_BLOCKD_FIREWALL_H
#define POSTHORN_BLOCKD_FIREWALL_H

#include "blockd/ports.h"
#include "lib/auth/blocked_set.h"

#define FIREWALL_TABLE "posthorn"
#define FIREWALL_KEEP_MS 900000

struct firewall;

/* Copies `ports`. Always a handle: a kernel without a netlink socket for this makes every call
 * fail, with the errno of the time. */
struct firewall *firewall_open(const struct ports *ports);
void firewall_close(struct firewall **fwp);

/* Each 0, or -1 with errno (EPERM: no right; ENOENT: the table, or a part, is not there;
 * EOPNOTSUPP and the like: no nf_tables).
 * The whole table anew with what is in `set`, in one step: no moment without. */
int firewall_build(struct firewall *fw, const struct blocked_set *set, int64_t now_ms);
/* The elements alone. */
int firewall_refill(struct firewall *fw, const struct blocked_set *set, int64_t now_ms);
/* Of these addresses alone. */
int firewall_change(struct firewall *fw, const struct blocked_part *part, int64_t now_ms);
/* Takes the table out; fine if there is none. */
int firewall_remove(struct firewall *fw);

#endif
