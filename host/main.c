#include "host/host.h"

int main(int argc, char **argv)
{
    return em_host_run(argc, argv);
}
