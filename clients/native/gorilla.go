// gorilla/websocket, the client that most Go programs use.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

func say(event map[string]any) {
	line, _ := json.Marshal(event)
	fmt.Println(string(line))
}

func main() {
	connection, response, err := websocket.DefaultDialer.Dial(os.Args[1], nil)
	if err != nil {
		event := map[string]any{"event": "failed", "text": err.Error(), "status": nil}
		if response != nil {
			event["status"] = response.StatusCode
		}
		say(event)
		return
	}
	for {
		kind, message, err := connection.ReadMessage()
		if closed, ok := err.(*websocket.CloseError); ok {
			say(map[string]any{"event": "closed", "code": closed.Code, "reason": closed.Text})
			return
		} else if err != nil {
			say(map[string]any{"event": "failed", "text": err.Error(), "status": nil})
			return
		}
		reply := fmt.Sprintf("got %d", len(message))
		if kind == websocket.TextMessage {
			command := strings.Split(string(message), " ")
			number, _ := strconv.ParseFloat(command[len(command)-1], 64)
			switch command[0] {
			case "send":
				reply = strings.Repeat("x", int(number))
			case "pause":
				time.Sleep(time.Duration(number * float64(time.Second)))
				reply = "paused"
			}
		}
		if err := connection.WriteMessage(websocket.TextMessage, []byte(reply)); err != nil {
			return
		}
	}
}
