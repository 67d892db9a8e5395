package api

import (
	"context"
	"net/http"

	"coffer.example/coffer/coins"
	"coffer.example/coffer/engine"
)

func (s *server) rebuildWhole(w http.ResponseWriter, r *http.Request) {
	status, err := s.ops.RebuildWhole(r.Context(), coinOf(r))
	answer(w, http.StatusOK, status, err)
}

// RebuildWhole is [engine.WholeUpkeep]'s.
func (c *Client) RebuildWhole(ctx context.Context, coin coins.Symbol) (engine.WholeStatus, error) {
	return post[engine.WholeStatus](ctx, c, of(coin, "index", "rebuild-all"), nil)
}
