package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// manyHops is how many addresses of a forwarding header are looked at.
const manyHops = 16

// client is the address that a request comes from. Only what our own proxies
// say about that is believed: of X-Forwarded-For the last address that is none
// of theirs.
func client(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops[max(len(hops)-manyHops, 0):]) {
		if !within(proxies, addr) {
			return addr
		}
		before, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			return addr
		}
		addr = before.Unmap().WithZone("")
	}
	return addr
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}

// network is what counts as one address: of IPv6, what one customer has.
func network(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
