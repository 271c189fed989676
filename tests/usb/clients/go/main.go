// The Go library that node clients of Cosmos chains use, unmodified, over its own USB: ten exchanges. One line of JSON.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"

	ledger "github.com/zondax/ledger-go"
)

func main() {
	log.SetOutput(io.Discard)
	result := map[string]any{}
	admin := ledger.NewLedgerAdmin()
	result["count"] = admin.CountDevices()
	device, err := admin.Connect(0)
	if err != nil {
		result["error"] = err.Error()
	} else {
		answers := []string{}
		for i := 0; i < 10; i++ {
			answer, err := device.Exchange([]byte{0xb0, 1, 0, 0, 0})
			if err != nil {
				result["error"] = err.Error()
				break
			}
			answers = append(answers, hex.EncodeToString(answer))
		}
		result["answers"] = answers
		device.Close()
	}
	out, _ := json.Marshal(result)
	fmt.Println(string(out))
	if _, failed := result["error"]; failed {
		os.Exit(1)
	}
}
