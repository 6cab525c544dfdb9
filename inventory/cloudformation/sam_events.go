package cloudformation

import "github.com/trifecta-scanner/trifecta/inventory"

// samEvent is an entry of Events of a function or state machine.
type samEvent struct {
	function string // its id
	target   string // what is called: the function or its alias
	id       string // of what the event makes
	decl     *declared
	at       inventory.Location
	kind     string
	// properties are as written; nil where there are none.
	properties *node
	machine    bool
}

// pulled are the sources that Lambda itself asks, with the policy that SAM adds for each.
var pulled = map[string]string{
	"Kinesis":          "service-role/AWSLambdaKinesisExecutionRole",
	"DynamoDB":         "service-role/AWSLambdaDynamoDBExecutionRole",
	"SQS":              "service-role/AWSLambdaSQSQueueExecutionRole",
	"MSK":              "service-role/AWSLambdaMSKExecutionRole",
	"MQ":               "service-role/AWSLambdaAMQExecutionRole",
	"SelfManagedKafka": "",
	"DocumentDB":       "",
}

// arns are the properties in which pulled sources are named.
var arns = map[string]string{"Kinesis": "Stream", "DynamoDB": "Stream", "SQS": "Queue", "MSK": "Stream", "MQ": "Broker", "DocumentDB": "Cluster"}

// principals are the services that call what an event triggers.
var principals = map[string]string{
	"Api": "apigateway.amazonaws.com", "HttpApi": "apigateway.amazonaws.com", "S3": "s3.amazonaws.com", "SNS": "sns.amazonaws.com",
	"Schedule": "events.amazonaws.com", "CloudWatchEvent": "events.amazonaws.com", "EventBridgeRule": "events.amazonaws.com",
	"CloudWatchLogs": "logs.amazonaws.com", "IoTRule": "iot.amazonaws.com", "Cognito": "cognito-idp.amazonaws.com",
	"AlexaSkill": "alexa-appkit.amazon.com",
}

func (e samEvent) principal() string { return principals[e.kind] }

// event makes what an event stands for.
func (x *samExpansion) event(e samEvent) {
	at := e.at
	if _, ok := pulled[e.kind]; ok {
		properties := with(e.properties.or(at), "FunctionName", refNode(e.target, at), "Stream", "Queue", "Broker", "Cluster", "ConsumerGroupId", "SecretsManagerKmsKeyId")
		x.make(e.id, "AWS::Lambda::EventSourceMapping", e.decl, with(properties, "EventSourceArn", e.properties.get(arns[e.kind])))
		return
	}
	switch e.kind {
	case "Api":
		x.restEvent(e)
	case "HttpApi":
		x.httpEvent(e)
	case "Schedule":
		x.rule(e, "ScheduleExpression", e.properties.get("Schedule"))
	case "CloudWatchEvent", "EventBridgeRule":
		x.rule(e, "EventPattern", e.properties.get("Pattern"))
	case "ScheduleV2":
		role := e.properties.get("RoleArn")
		if role == nil {
			x.role(e.id+"Role", "scheduler.amazonaws.com", e.decl, &node{kind: object, at: at}, nil)
			role = getAttNode(e.id+"Role", "Arn", at)
		}
		properties := with(e.properties.or(at), "Target", objectNode(at, "Arn", getAttNode(e.target, "Arn", at), "RoleArn", role, "Input", e.properties.get("Input")), "RoleArn", "Input", "DeadLetterConfig", "RetryPolicy", "PermissionsBoundary")
		x.make(e.id, "AWS::Scheduler::Schedule", e.decl, properties)
	case "S3":
		x.permission(e, "", nil)
	case "SNS":
		x.permission(e, "", e.properties.get("Topic"))
		x.make(e.id, "AWS::SNS::Subscription", e.decl, objectNode(at, "Endpoint", getAttNode(e.target, "Arn", at), "Protocol", textNode("lambda", at), "TopicArn", e.properties.get("Topic")))
	case "CloudWatchLogs":
		x.permission(e, "", nil)
		x.make(e.id, "AWS::Logs::SubscriptionFilter", e.decl, objectNode(at, "DestinationArn", getAttNode(e.target, "Arn", at), "LogGroupName", e.properties.get("LogGroupName"), "FilterPattern", e.properties.get("FilterPattern")))
	case "IoTRule":
		x.permission(e, "", nil)
		x.make(e.id, "AWS::IoT::TopicRule", e.decl, objectNode(at, "TopicRulePayload", objectNode(at, "Sql", e.properties.get("Sql"), "AwsIotSqlVersion", e.properties.get("AwsIotSqlVersion"),
			"RuleDisabled", boolNode(false, at), "Actions", listNode(at, objectNode(at, "Lambda", objectNode(at, "FunctionArn", getAttNode(e.target, "Arn", at)))))))
	case "Cognito", "AlexaSkill":
		x.permission(e, "", nil)
	default:
		x.notice("transform-not-evaluated", at, "%s: what SAM makes of an event of type %s is not evaluated", x.tmpl.path, shorten(e.kind))
	}
}

func (x *samExpansion) rule(e samEvent, key string, value *node) {
	at := e.at
	target := objectNode(at, "Arn", getAttNode(e.target, "Arn", at), "Id", textNode(e.id+"LambdaTarget", at))
	if e.machine {
		target = objectNode(at, "Arn", refNode(e.target, at), "Id", textNode(e.id+"StepFunctionsTarget", at), "RoleArn", getAttNode(e.id+"Role", "Arn", at))
	}
	x.make(e.id, "AWS::Events::Rule", e.decl, objectNode(at, "Name", e.properties.get("Name"), "State", e.properties.get("State"), key, value, "Targets", listNode(at, target)))
	if !e.machine {
		x.permission(e, "", getAttNode(e.id, "Arn", at))
	}
}

// permission lets the service of an event call the function.
func (x *samExpansion) permission(e samEvent, suffix string, source *node) {
	if e.machine {
		return
	}
	at := e.at
	x.make(e.id+"Permission"+suffix, "AWS::Lambda::Permission", e.decl, objectNode(at,
		"Action", textNode("lambda:InvokeFunction", at), "FunctionName", refNode(e.target, at), "Principal", textNode(e.principal(), at), "SourceArn", source))
}

// or returns n, or an object without fields where there is none.
func (n *node) or(at inventory.Location) *node {
	if n == nil || n.kind != object {
		return &node{kind: object, at: at}
	}
	return n
}
