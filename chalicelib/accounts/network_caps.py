"""How often a network may do something in a day. Pure rules."""

import ipaddress
from collections.abc import Iterator

IPV6_SITE_BITS = 48
NETWORKS_PER_SITE = 4  # so many times the cap of a network is that of an IPv6 /48, which one customer may have too


def network_caps(network: str, cap: int, networks_per_site: int = NETWORKS_PER_SITE) -> Iterator[tuple[str, int]]:
    """The network and its cap; of an IPv6 /64, also the /48 around it."""
    yield network, cap
    if ":" in network:
        site = ipaddress.ip_network(network, strict=False).supernet(new_prefix=IPV6_SITE_BITS)
        yield str(site), cap * networks_per_site
