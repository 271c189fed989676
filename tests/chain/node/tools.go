//go:build tools

// Package node pins the node that the live-chain tests run: gaiad, built from published modules.
package node

import _ "github.com/cosmos/gaia/v25/cmd/gaiad"
