#include "os/connect_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/vm_sockets.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

static em_connect_target target_of(const void *at, size_t len)
{
    em_connect_target t = {.len = (socklen_t)len};

    memcpy(&t.at, at, len);
    return t;
}

static em_err resolve_tcp(const em_address *address, bool passive,
                          em_connect_target target[EM_CONNECT_TARGETS], size_t *ret_n)
{
    struct in_addr v4;
    struct in6_addr v6;
    bool numeric = inet_pton(AF_INET, address->name, &v4) == 1 ||
                   inet_pton(AF_INET6, address->name, &v6) == 1;
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = (passive ? AI_PASSIVE : 0) | (numeric ? AI_NUMERICHOST : 0),
    };
    struct addrinfo *list = NULL;
    size_t n = 0;

    if (getaddrinfo(address->name, NULL, &hints, &list) != 0) return EM_ERR_CONNECT;
    for (struct addrinfo *i = list; i != NULL && n < EM_CONNECT_TARGETS; i = i->ai_next) {
        if (i->ai_addrlen > sizeof target[n].at) continue;
        em_connect_target t = target_of(i->ai_addr, i->ai_addrlen);
        if (i->ai_family == AF_INET)
            ((struct sockaddr_in *)&t.at)->sin_port = htons((uint16_t)address->port);
        else if (i->ai_family == AF_INET6)
            ((struct sockaddr_in6 *)&t.at)->sin6_port = htons((uint16_t)address->port);
        else
            continue;
        target[n++] = t;
    }
    freeaddrinfo(list);
    if (n == 0) return EM_ERR_CONNECT;
    *ret_n = n;
    return EM_OK;
}

em_err em_connect_resolve(const em_address *address, bool passive,
                          em_connect_target ret_target[EM_CONNECT_TARGETS], size_t *ret_n)
{
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK};
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    switch (address->kind) {
    case EM_ADDRESS_TCP:
        return resolve_tcp(address, passive, ret_target, ret_n);
    case EM_ADDRESS_VSOCK:
        if (!passive && address->cid == EM_ADDRESS_CID_ANY) return EM_ERR_ADDRESS;
        vm.svm_cid = address->cid;
        vm.svm_port = address->port == 0 && passive ? VMADDR_PORT_ANY : address->port;
        ret_target[0] = target_of(&vm, sizeof vm);
        break;
    case EM_ADDRESS_UNIX:
        if (strnlen(address->name, sizeof address->name) >= sizeof un.sun_path)
            return EM_ERR_ADDRESS;
        memcpy(un.sun_path, address->name, sizeof un.sun_path - 1);
        ret_target[0] = target_of(&un, sizeof un);
        break;
    case EM_ADDRESS_NONE:
    default:
        return EM_ERR_ADDRESS;
    }
    *ret_n = 1;
    return EM_OK;
}

em_address em_connect_describe(const em_connect_target *target)
{
    em_address a = {0};
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&target->at;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&target->at;
    const struct sockaddr_vm *vm = (const struct sockaddr_vm *)&target->at;
    const struct sockaddr_un *un = (const struct sockaddr_un *)&target->at;

    switch (target->at.ss_family) {
    case AF_INET:
        a.kind = EM_ADDRESS_TCP;
        a.port = ntohs(v4->sin_port);
        (void)inet_ntop(AF_INET, &v4->sin_addr, a.name, sizeof a.name);
        break;
    case AF_INET6:
        a.kind = EM_ADDRESS_TCP;
        a.port = ntohs(v6->sin6_port);
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, a.name, sizeof a.name);
        break;
    case AF_VSOCK:
        a.kind = EM_ADDRESS_VSOCK;
        a.cid = vm->svm_cid;
        a.port = vm->svm_port;
        break;
    case AF_UNIX:
        a.kind = EM_ADDRESS_UNIX;
        if (target->len > sizeof(sa_family_t))
            memcpy(a.name, un->sun_path, sizeof un->sun_path - 1);
        break;
    default:
        break;
    }
    return a;
}

void em_connect_tune(int fd, int family)
{
    int one = 1;

    /* records are written whole: waiting for more to join them only costs time */
    if (family == AF_INET || family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

em_err em_connect_socket(const em_connect_target *target, int *ret_fd)
{
    int family = target->at.ss_family;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? EM_ERR_BUSY : EM_ERR_UNSUPPORTED;
    em_connect_tune(fd, family);
    *ret_fd = fd;
    return EM_OK;
}
